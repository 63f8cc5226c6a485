"""How stacks were when they were judged last, what became of that, and what is told of it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.models.project import Project


class StackState(models.Model):
    """How a stack was when it was judged last: what events and incidents are held against. Pages fold anew."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    server_id = models.UUIDField()
    condition = models.CharField(max_length=16)
    since_ms = models.BigIntegerField(help_text=_("Since when it is so, in epoch milliseconds."))
    message = models.TextField(default="", blank=True)
    services = models.JSONField(default=list, help_text=_("Name, condition and running copies of each service."))
    judged_number = models.PositiveBigIntegerField(default=0, help_text=_("Of the observation it was judged by."))
    last_sequence = models.PositiveBigIntegerField(default=0)
    judged_at = models.DateTimeField()

    class Meta:
        db_table = "stack_states"
        constraints = [models.UniqueConstraint(fields=["project", "server_id"], name="one_state_per_stack")]
        indexes = [models.Index(fields=["server_id"], name="stack_states_of_server")]

    def __str__(self) -> str:
        return f"{self.project_id} on {str(self.server_id)[:8]}"


class StackEvent(models.Model):
    """What happened to a stack, in order; unmarked rows are the outbox. Never changed but for the mark."""

    position = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True)
    project_id = models.UUIDField()
    server_id = models.UUIDField()
    sequence = models.PositiveBigIntegerField()
    type = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    streamed_at = models.DateTimeField(null=True, blank=True, help_text=_("Out to Kafka."))

    class Meta:
        db_table = "stack_events"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["project_id", "server_id", "sequence"], name="one_stack_event_per_sequence")
        ]
        indexes = [
            models.Index(fields=["position"], condition=Q(streamed_at__isnull=True), name="unstreamed_stack_events"),
            models.Index(fields=["created_at"], name="stack_events_by_age"),
        ]


class Incident(models.Model):
    """Something about a stack that a person should know, from its beginning to its end; at most one open per cause."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    server_id = models.UUIDField()
    cause = models.CharField(max_length=32)
    severity = models.CharField(max_length=16)
    message = models.TextField()
    services = models.JSONField(default=list, help_text=_("Names of the services that it is about."))
    containers = models.JSONField(default=list, help_text=_("As they were seen, with the moments that Docker knows."))
    log_tail = models.JSONField(default=list, help_text=_("Last lines, as masked by the agent."))
    lines_due_at = models.DateTimeField(
        null=True, help_text=_("When to ask the agent for the last lines of its containers; none once that is done.")
    )
    deployment_id = models.UUIDField(null=True, help_text=_("What was proven last on the stack when it was opened."))
    since_ms = models.BigIntegerField(help_text=_("Since when it is so, in epoch milliseconds."))
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    quiet_since = models.DateTimeField(null=True, help_text=_("Since when its cause is not seen any more."))
    closed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    muted_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "incidents"
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "server_id", "cause"],
                condition=Q(closed_at__isnull=True),
                name="one_open_incident_per_cause",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-opened_at", "-id"], name="incidents_of_project"),
            models.Index(fields=["-opened_at", "-id"], condition=Q(closed_at__isnull=True), name="open_incidents"),
            models.Index(fields=["server_id"], name="incidents_of_server"),
            models.Index(fields=["closed_at"], name="incidents_by_end"),
            models.Index(
                fields=["lines_due_at"], condition=Q(lines_due_at__isnull=False), name="incidents_without_lines"
            ),
        ]

    def __str__(self) -> str:
        return self.cause.replace("_", " ").capitalize()
