"""Changes of clusters: who wanted them and what became of them. Rows outlive the cluster and the people."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.data.cluster_types import OPEN_STATES, ChangeKind, ChangeState


class ClusterChange(models.Model):
    """One change of a cluster's Swarm, done step by step: of a cluster one at a time, in the order of `number`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster_id = models.UUIDField()
    number = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in ChangeKind])
    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in ChangeState],
        default=ChangeState.WAITING.value,
    )
    steps = models.JSONField()
    step = models.PositiveSmallIntegerField(default=0)
    sent = models.BooleanField(default=False, help_text=_("The command of this step is in the ledger."))
    server_id = models.UUIDField(null=True)
    server_name = models.CharField(max_length=100, blank=True)
    node_id = models.CharField(max_length=64, blank=True)
    node_name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=16, blank=True)
    address = models.CharField(max_length=255, blank=True)
    sealed_token = models.TextField(
        blank=True, default="", editable=False, help_text=_("What a server joins with; sealed, and wiped when it has.")
    )
    message = models.TextField(default="", blank=True)
    requested_by_id = models.UUIDField()
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    deadline_at = models.DateTimeField(help_text=_("When nobody waits for this step any more."))
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "cluster_changes"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["cluster_id", "number"], name="cluster_change_number_once"),
            models.UniqueConstraint(
                fields=["cluster_id"], condition=Q(state="working"), name="one_working_change_per_cluster"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in ChangeState]), name="cluster_change_state_known"
            ),
            models.CheckConstraint(
                condition=Q(sealed_token="") | Q(state="working"), name="token_of_a_working_change_only"
            ),
        ]
        indexes = [
            models.Index(
                fields=["deadline_at"],
                condition=Q(state__in=[state.value for state in OPEN_STATES]),
                name="cluster_changes_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.server_name or self.node_name}".strip()
