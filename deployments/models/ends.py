"""What goes for good, and who wanted that: rows that outlive what they speak of."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.data.end_types import DeletionState, MachineEnd, VolumeDeletionState
from deployments.types import TargetKind


class ObservedVolumes(models.Model):
    """The volumes of ours on an agent's host, as it told them last."""

    agent_id = models.UUIDField(primary_key=True, editable=False)
    server_id = models.UUIDField()
    session_id = models.UUIDField()
    volumes = models.JSONField(default=list)
    observed_at = models.DateTimeField()

    class Meta:
        db_table = "observed_volumes"
        indexes = [models.Index(fields=["server_id"], name="observed_volumes_of_server")]

    def __str__(self) -> str:
        return f"volumes on the host of agent {str(self.agent_id)[:8]}"


class VolumeDeletion(models.Model):
    """A person's wish that a volume goes, and what became of it. Names people and machines that may be gone since.

    Its id is also that of its order in the agents' ledger.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.UUIDField()
    project_name = models.CharField(max_length=100)
    server_id = models.UUIDField()
    server_name = models.CharField(max_length=100)
    volume = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField(null=True)
    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in VolumeDeletionState],
        default=VolumeDeletionState.PENDING.value,
    )
    message = models.TextField(default="", blank=True)
    requested_by_id = models.UUIDField()
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "volume_deletions"
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["server_id", "volume"], condition=Q(state="pending"), name="one_pending_volume_deletion"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in VolumeDeletionState]),
                name="volume_deletion_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", ended_at__isnull=True) | ~Q(state="pending"),
                name="pending_volume_deletion_has_no_end",
            ),
        ]
        indexes = [
            models.Index(fields=["project_id", "-requested_at"], name="volume_deletions_of_project"),
            models.Index(fields=["server_id", "-requested_at"], name="volume_deletions_of_server"),
            models.Index(fields=["deadline_at"], condition=Q(state="pending"), name="volume_deletions_overdue"),
        ]

    def __str__(self) -> str:
        return f"{self.volume} on {self.server_name}"


class Deletion(models.Model):
    """A person's wish that something goes, and how far it got."""

    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in DeletionState],
        default=DeletionState.DELETING.value,
    )
    attempt = models.PositiveIntegerField(default=1, help_text=_("Rises each time somebody continues it."))
    message = models.TextField(default="", blank=True, help_text=_("What it waits for, or why it cannot go on."))
    requested_by_id = models.UUIDField()
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class ProjectDeletion(Deletion):
    """A person's wish that a project goes, and how far it got. Outlives the project's name and the person."""

    project_id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=100)
    delete_volumes = models.BooleanField(default=False)

    class Meta:
        db_table = "project_deletions"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in DeletionState]),
                name="project_deletion_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["requested_at"], condition=Q(state="deleting"), name="project_deletions_at_work")
        ]

    def __str__(self) -> str:
        return self.name


class MachineDeletion(Deletion):
    """A person's wish that a server or cluster goes, and how far it got. Outlives the machine and the person."""

    machine_id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in TargetKind])
    name = models.CharField(max_length=100)
    owner_id = models.UUIDField()
    end = models.CharField(max_length=16, choices=[(end.value, end.value) for end in MachineEnd])

    class Meta:
        db_table = "machine_deletions"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in DeletionState]),
                name="machine_deletion_state_known",
            ),
            models.CheckConstraint(
                condition=Q(end__in=[end.value for end in MachineEnd]), name="machine_deletion_end_known"
            ),
        ]
        indexes = [
            models.Index(fields=["requested_at"], condition=Q(state="deleting"), name="machine_deletions_at_work")
        ]

    def __str__(self) -> str:
        return self.name
