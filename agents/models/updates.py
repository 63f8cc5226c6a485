"""Updates of agents: each wish, and how far each agent of it is."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from agents.reports.update_rules import OPEN, RolloutState, UpdateState


class UpdateRollout(models.Model):
    """Somebody's wish that agents become another version, in waves. It is history, so it names people without keys."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.CharField(max_length=50)
    digest = models.CharField(max_length=64)
    state = models.CharField(
        max_length=16,
        choices=[(each.value, each.value) for each in RolloutState],
        default=RolloutState.RUNNING.value,
    )
    message = models.TextField(default="", blank=True)
    requested_by_id = models.UUIDField()
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    cancel_requested_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "agent_update_rollouts"
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[each.value for each in RolloutState]), name="rollout_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=RolloutState.RUNNING.value, ended_at__isnull=True)
                | (~Q(state=RolloutState.RUNNING.value) & Q(ended_at__isnull=False)),
                name="rollout_ends_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["requested_at"], condition=Q(state=RolloutState.RUNNING.value), name="rollouts_running"
            ),
            models.Index(fields=["requested_by_id", "-requested_at"], name="rollouts_of_person"),
        ]

    def __str__(self) -> str:
        return f"update to {self.version}"


class AgentUpdate(models.Model):
    """One agent of a rollout. `told` is the agent's own word for how far it is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rollout = models.ForeignKey(UpdateRollout, on_delete=models.CASCADE, related_name="updates")
    agent_id = models.UUIDField()
    server_id = models.UUIDField()
    server_name = models.CharField(max_length=100)
    wave = models.PositiveSmallIntegerField()
    state = models.CharField(
        max_length=16,
        choices=[(each.value, each.value) for each in UpdateState],
        default=UpdateState.WAITING.value,
    )
    told = models.CharField(max_length=16, default="", blank=True)
    message = models.TextField(default="", blank=True)
    from_version = models.CharField(max_length=50, default="", blank=True)
    ordered_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "agent_updates"
        ordering = ["wave", "server_name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[each.value for each in UpdateState]), name="agent_update_state_known"
            ),
            models.UniqueConstraint(
                fields=["agent_id"],
                condition=Q(state__in=[each.value for each in OPEN]),
                name="one_open_update_per_agent",
            ),
        ]
        indexes = [
            models.Index(fields=["rollout", "wave"], name="updates_of_rollout"),
            models.Index(fields=["server_id", "-deadline_at"], name="updates_of_server"),
        ]

    def __str__(self) -> str:
        return f"{self.server_name}: {self.state}"
