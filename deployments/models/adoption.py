"""Containers of servers that are not ours, on their way into a project."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.data.adoption_types import AdoptionState


class Adoption(models.Model):
    """A look at what runs on a server, and what became of it. Names people and machines that may be gone since.

    Its id is also that of its order in the agents' ledger. `sealed` holds what was told, values of variables with it,
    until a project was made of it or a day has passed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server_id = models.UUIDField()
    server_name = models.CharField(max_length=100)
    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in AdoptionState],
        default=AdoptionState.ASKED.value,
    )
    message = models.TextField(default="", blank=True)
    sealed = models.TextField(default="", blank=True)
    requested_by_id = models.UUIDField()
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    deadline_at = models.DateTimeField(help_text=_("Until then the agent may answer, and what it told is kept."))
    told_at = models.DateTimeField(null=True)
    project_id = models.UUIDField(null=True)
    containers = models.JSONField(default=dict)
    volumes = models.JSONField(default=list)

    class Meta:
        db_table = "adoptions"
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["server_id"], condition=Q(state="asked"), name="one_look_at_a_server"),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in AdoptionState]), name="adoption_state_known"
            ),
            models.CheckConstraint(
                condition=Q(sealed="") | Q(state__in=["asked", "described"]), name="only_described_holds_values"
            ),
        ]
        indexes = [
            models.Index(fields=["server_id", "-requested_at"], name="adoptions_of_server"),
            models.Index(
                fields=["project_id", "server_id"], condition=Q(project_id__isnull=False), name="adoptions_of_project"
            ),
            models.Index(
                fields=["deadline_at"], condition=Q(state__in=["asked", "described"]), name="adoptions_overdue"
            ),
        ]

    def __str__(self) -> str:
        return f"containers of {self.server_name}"
