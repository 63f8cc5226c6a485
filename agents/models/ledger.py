"""Which ledger this is, and from where its numbers go on."""

from __future__ import annotations

from django.db import models


class Ledger(models.Model):
    """One row: its incarnation changes when the database was made anew or restored, and every agent is told it."""

    id = models.PositiveSmallIntegerField(primary_key=True, editable=False)
    incarnation = models.UUIDField()
    since = models.DateTimeField()

    class Meta:
        db_table = "agent_ledger"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_ledger")]

    def __str__(self) -> str:
        return f"ledger {str(self.incarnation)[:8]}"


class LaneFloor(models.Model):
    """An agent has received numbers up to this one in the lane, though the ledger may not know of them any more."""

    lane = models.CharField(primary_key=True, max_length=200)
    number = models.PositiveBigIntegerField()

    class Meta:
        db_table = "agent_lane_floors"

    def __str__(self) -> str:
        return f"{self.lane} above {self.number}"
