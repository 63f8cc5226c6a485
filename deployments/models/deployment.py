"""Deployments, their events and their history. PostgreSQL guards what must never be untrue."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from deployments.models.project import GraphVersion, Project
from deployments.states import ACTIVE, Kind, Reason, Stage, Status


def choices_of(values: type[Status] | type[Reason] | type[Stage]) -> list[tuple[str, str]]:
    """Django's form of an enum: value and label."""
    return [(value.value, value.value.replace("_", " ")) for value in values]


KINDS = [(kind.value, kind.value.capitalize()) for kind in Kind if kind is not Kind.UNKNOWN]


class Deployment(models.Model):
    """One wish to change what runs on a target. Status changes only through repositories.deployments.advance."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="deployments")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=KINDS, default=Kind.DEPLOY)
    cluster_id = models.UUIDField(null=True, blank=True)
    server_id = models.UUIDField(null=True, blank=True)
    target_id = models.GeneratedField(
        expression=Coalesce("server_id", "cluster_id"), output_field=models.UUIDField(), db_persist=True
    )
    status = models.CharField(max_length=16, choices=choices_of(Status), default=Status.PENDING)
    stage = models.CharField(max_length=16, choices=choices_of(Stage), default=Stage.NONE, blank=True)
    progress = models.PositiveSmallIntegerField(default=0, help_text=_("Percent; only rises."))
    reason = models.CharField(max_length=16, choices=choices_of(Reason), default=Reason.NONE, blank=True)
    message = models.TextField(default="", blank=True, help_text=_("For people: what happened and what to do."))
    failed_service = models.CharField(max_length=200, default="", blank=True)
    log_tail = models.JSONField(default=list, blank=True, help_text=_("Last lines of the failed service."))
    service_statuses = models.JSONField(default=list, blank=True)
    env_vars = models.JSONField(default=dict, blank=True, help_text=_("Name to sealed value."))
    sealed_variables = models.TextField(default="", blank=True, help_text=_("All values of the stack, sealed as one."))
    config = models.JSONField(default=dict, blank=True)
    graph_version = models.ForeignKey(GraphVersion, on_delete=models.PROTECT, related_name="+")
    code = models.JSONField(default=dict, blank=True, help_text=_("Node id to bundle digest, as of the request."))
    force_redeploy = models.BooleanField(default=False)
    request_id = models.CharField(max_length=200, default="", blank=True)
    sealed_session = models.TextField(
        default="", db_default="", blank=True, help_text=_("Of who asked, for the peers; gone when it starts or ends.")
    )
    description = models.CharField(
        max_length=500, default="", db_default="", blank=True, help_text=_("Why, in the words of who asked.")
    )
    approval = models.CharField(max_length=200, default="", db_default="", blank=True, help_text=_("Of the plan seen."))
    replicas = models.JSONField(null=True, blank=True, help_text=_("Node id to copies, over those of the graph."))
    restarted_service = models.CharField(
        max_length=200,
        default="",
        db_default="",
        blank=True,
        help_text=_("Of a restart: whose containers are made anew."),
    )
    renews = models.JSONField(null=True, blank=True, help_text=_("Services of a repair, which are started anew."))
    moves = models.JSONField(null=True, blank=True, help_text=_("Services, and the node of the cluster they go to."))
    cause = models.JSONField(null=True, blank=True, help_text=_("Why the product asked for it by itself."))
    restores = models.ForeignKey(
        "DeploymentHistory", on_delete=models.PROTECT, null=True, blank=True, related_name="restored_by"
    )
    rollback_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rollbacks",
        help_text=_("What it undoes."),
    )
    rolled_back_by = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rolls_back",
        help_text=_("The rollback at work on it now, or the one that succeeded."),
    )
    former_status = models.CharField(
        max_length=16, default="", db_default="", blank=True, help_text=_("Before a rollback by hand began.")
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text=_("Jobs that tried to start it and could not yet.")
    )
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    awaits_agent = models.BooleanField(
        default=False, db_default=False, editable=False, help_text=_("Pending until its server's agent is back.")
    )
    start_number = models.PositiveIntegerField(
        null=True, editable=False, help_text=_("Rises per project and target with each start.")
    )
    base_number = models.PositiveIntegerField(
        null=True, editable=False, help_text=_("The newest history number of its lane when it started; 0 for none.")
    )
    values_wiped_at = models.DateTimeField(null=True, editable=False, help_text=_("When its values were forgotten."))
    logs_pruned_at = models.DateTimeField(null=True, editable=False, help_text=_("When its log lines were forgotten."))
    pruned_at = models.DateTimeField(
        null=True, editable=False, help_text=_("When its events and files were forgotten.")
    )
    last_sequence = models.PositiveIntegerField(default=0)
    log_bytes = models.PositiveIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    cancel_confirmed_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "deployments"
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "target_id"],
                # A successful deployment that is being rolled back does no work itself: its rollback holds the target.
                condition=Q(status__in=sorted(ACTIVE)) & Q(rolled_back_by__isnull=True),
                name="one_active_per_target",
            ),
            models.UniqueConstraint(
                fields=["requested_by", "request_id"], condition=~Q(request_id=""), name="one_effect_per_request"
            ),
            models.CheckConstraint(
                condition=Q(server_id__isnull=True) ^ Q(cluster_id__isnull=True), name="exactly_one_target"
            ),
            models.CheckConstraint(condition=Q(status__in=[s.value for s in Status]), name="known_status"),
            models.CheckConstraint(condition=Q(reason__in=[r.value for r in Reason]), name="known_reason"),
            models.CheckConstraint(condition=Q(stage__in=[s.value for s in Stage]), name="known_stage"),
            models.CheckConstraint(condition=Q(progress__lte=100), name="progress_is_percent"),
            models.CheckConstraint(
                condition=~Q(status=Status.FAILED) | ~Q(reason=Reason.NONE), name="failure_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.PENDING, Status.IN_PROGRESS]) | Q(completed_at__isnull=True),
                name="unfinished_is_not_completed",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="by_project"),
            models.Index(fields=["project", "status", "-created_at", "-id"], name="by_project_and_status"),
            models.Index(fields=["owner", "-created_at", "-id"], name="by_owner"),
            models.Index(fields=["status", "-created_at", "-id"], name="by_status"),
            models.Index(fields=["target_id", "-created_at", "-id"], name="by_target"),
            models.Index(fields=["reason", "-created_at", "-id"], condition=~Q(reason=Reason.NONE), name="by_reason"),
            models.Index(F("created_at").desc(), F("id").desc(), name="newest_first"),
            models.Index(
                fields=["project", "target_id", "created_at"],
                condition=Q(status=Status.PENDING),
                name="waiting_in_lane",
            ),
            models.Index(
                fields=["project", "target_id", "-start_number"],
                condition=Q(start_number__isnull=False),
                name="starts_in_lane",
            ),
            models.Index(
                fields=["server_id"], condition=Q(status=Status.PENDING, awaits_agent=True), name="waiting_for_agent"
            ),
            models.Index(fields=["completed_at"], condition=Q(values_wiped_at__isnull=True), name="ended_with_values"),
            models.Index(fields=["completed_at"], condition=Q(logs_pruned_at__isnull=True), name="ended_with_logs"),
            models.Index(fields=["completed_at"], condition=Q(pruned_at__isnull=True), name="ended_with_details"),
            models.Index(fields=["next_attempt_at"], condition=Q(status=Status.PENDING), name="waiting_for_job"),
            models.Index(fields=["deadline_at"], condition=Q(status__in=sorted(ACTIVE)), name="active_by_deadline"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class DeploymentEvent(models.Model):
    """What happened, in order; unmarked rows are the outboxes. Never changed but for the two marks."""

    position = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="events")
    project_id = models.UUIDField()
    sequence = models.PositiveIntegerField()
    type = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True, help_text=_("Out to the browsers."))
    streamed_at = models.DateTimeField(null=True, blank=True, help_text=_("Out to Kafka."))

    class Meta:
        db_table = "deployment_events"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["deployment", "sequence"], name="one_event_per_sequence"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="sequence_from_one"),
        ]
        indexes = [
            models.Index(fields=["position"], condition=Q(published_at__isnull=True), name="unpublished_events"),
            models.Index(fields=["position"], condition=Q(streamed_at__isnull=True), name="unstreamed_events"),
        ]


class DeploymentHistory(models.Model):
    """A success with all that is needed to bring it back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="history")
    project_id = models.UUIDField()
    target_id = models.UUIDField()
    number = models.PositiveIntegerField(help_text=_("Rises by one per project and target."))
    version = models.CharField(max_length=32)
    deployment_snapshot = models.JSONField()
    sealed_variables = models.TextField(
        default="", db_default="", blank=True, help_text=_("All values of the stack, sealed for its deployment.")
    )
    env_vars = models.JSONField(null=True, blank=True, help_text=_("Name to value, sealed for its deployment."))
    content_key = models.CharField(
        max_length=64, default="", db_default="", blank=True, editable=False, help_text=_("Names what ran, by content.")
    )
    rolled_back = models.BooleanField(default=False)
    dropped_at = models.DateTimeField(null=True, blank=True, help_text=_("When retention took the snapshot away."))
    created_at = models.DateTimeField()

    class Meta:
        db_table = "deployment_history"
        ordering = ["-created_at"]
        verbose_name_plural = _("deployment history")
        constraints = [
            models.UniqueConstraint(fields=["project_id", "target_id", "number"], name="one_version_per_number")
        ]
        indexes = [
            models.Index(fields=["project_id", "target_id"], condition=Q(dropped_at__isnull=True), name="kept_in_lane"),
            # What agents are told to keep.
            models.Index(fields=["target_id"], condition=Q(dropped_at__isnull=True), name="kept_on_target"),
        ]
