"""Checks of whether a server reaches what lies elsewhere."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from deployments.data.reach_types import ReachState


class ReachCheck(models.Model):
    """A person's wish to have external nodes tried from a server, and what became of it.

    Its id is also that of its order in the agents' ledger. `lines`: node, address and outcome each, never a password.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.UUIDField()
    server_id = models.UUIDField()
    server_name = models.CharField(max_length=100)
    lines = models.JSONField(default=list)
    state = models.CharField(
        max_length=16, choices=[(state.value, state.value) for state in ReachState], default=ReachState.PENDING.value
    )
    message = models.TextField(default="", blank=True)
    requested_by_id = models.UUIDField()
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "reach_checks"
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project_id", "server_id"], condition=Q(state="pending"), name="one_pending_reach_check"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in ReachState]), name="reach_check_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", ended_at__isnull=True) | ~Q(state="pending"),
                name="pending_reach_check_has_no_end",
            ),
        ]
        indexes = [
            models.Index(fields=["project_id", "-requested_at"], name="reach_checks_of_project"),
            models.Index(fields=["deadline_at"], condition=Q(state="pending"), name="reach_checks_overdue"),
        ]

    def __str__(self) -> str:
        return f"reach of {self.server_name}"
