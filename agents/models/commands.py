"""The ledger of what agents were told to do."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agents.models.machines import Agent
from agents.states import OPEN, CommandKind, CommandStatus


class CommandRecord(models.Model):
    """One command to one agent. `number` rises per lane; `payload` never holds the value of a secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="commands")
    lane = models.CharField(_("lane"), max_length=200)
    number = models.PositiveBigIntegerField()
    kind = models.CharField(_("kind"), max_length=16, choices=[(kind.value, kind.value) for kind in CommandKind])
    deployment_id = models.UUIDField()
    project_id = models.UUIDField()
    payload = models.JSONField()
    size = models.PositiveBigIntegerField(
        null=True, editable=False, help_text=_("Bytes on the wire at most; empty where nobody has counted.")
    )
    status = models.CharField(
        _("status"),
        max_length=16,
        choices=[(status.value, status.value) for status in CommandStatus],
        default=CommandStatus.QUEUED.value,
    )
    refusal = models.CharField(max_length=50, blank=True)
    refusal_message = models.TextField(_("refusal message"), blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    queued_at = models.DateTimeField(_("queued"))
    next_send_at = models.DateTimeField(_("next attempt"), null=True, help_text=_("Empty: nothing to send."))
    sent_at = models.DateTimeField(_("sent"), null=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    last_report_number = models.PositiveBigIntegerField(_("last report number"), default=0)

    class Meta:
        db_table = "agent_commands"
        verbose_name = _("command")
        verbose_name_plural = _("commands")
        ordering = ["-queued_at"]
        constraints = [
            models.UniqueConstraint(fields=["lane", "number"], name="command_number_once_per_lane"),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in CommandStatus]), name="command_status_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in CommandKind]), name="command_kind_known"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="command_number_from_one"),
            models.CheckConstraint(
                condition=Q(next_send_at__isnull=True) | Q(status__in=[status.value for status in OPEN]),
                name="closed_command_is_not_sent",
            ),
        ]
        indexes = [
            # What the gateway looks for every second; nearly empty however long the ledger grows.
            models.Index(
                fields=["agent", "next_send_at"],
                condition=Q(next_send_at__isnull=False),
                name="commands_to_deliver",
            ),
            models.Index(
                fields=["agent", "lane", "number"],
                condition=Q(status__in=[status.value for status in OPEN]),
                name="commands_open",
            ),
            models.Index(fields=["deployment_id"], name="commands_of_deployment"),
            models.Index(fields=["-queued_at"], name="commands_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.lane} #{self.number}"
