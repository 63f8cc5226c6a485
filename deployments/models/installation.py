"""Installing agents by SSH: each wish, its steps, and how a server is known and signed in to."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.data.installation_types import OPEN, InstallationAction, InstallationState, Step, StepState

_SEALED = r"^([0-9]+:.*)?$"


class ServerAccess(models.Model):
    """How a server is reached by SSH. Its host key is pinned; a login is kept only where its owner wanted that."""

    server_id = models.UUIDField(primary_key=True, editable=False)
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=100)
    host_key = models.TextField(default="", blank=True, help_text=_("As in a known_hosts file: kind and key."))
    fingerprint = models.CharField(max_length=100, default="", blank=True)
    pinned_at = models.DateTimeField(null=True)
    pinned_by_name = models.CharField(max_length=150, default="", blank=True)
    sealed = models.TextField(default="", blank=True, help_text=_("The kept login; empty for none."))

    class Meta:
        db_table = "server_accesses"
        constraints = [models.CheckConstraint(condition=Q(sealed__regex=_SEALED), name="server_access_has_key_version")]

    def __str__(self) -> str:
        return f"{self.username}@{self.host}"


class AgentInstallation(models.Model):
    """A person's wish that an agent is installed on a server, or removed, and how far it got."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server_id = models.UUIDField()
    server_name = models.CharField(max_length=100)
    action = models.CharField(max_length=16, choices=[(each.value, each.value) for each in InstallationAction])
    state = models.CharField(
        max_length=16,
        choices=[(each.value, each.value) for each in InstallationState],
        default=InstallationState.PENDING.value,
    )
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField()
    username = models.CharField(max_length=100)
    sealed = models.TextField(default="", blank=True, help_text=_("The login, until the installation has ended."))
    known_fingerprint = models.CharField(max_length=100, default="", blank=True)
    offered_key = models.TextField(default="", blank=True)
    install_docker = models.BooleanField(default=False)
    keep_login = models.BooleanField(default=False)
    replace = models.BooleanField(default=False)
    gateway_url = models.CharField(max_length=300, default="", blank=True)
    attempt = models.PositiveIntegerField(default=0, help_text=_("How many workers took it up."))
    number = models.PositiveBigIntegerField(default=1)
    holder = models.UUIDField(null=True, help_text=_("Of the worker that has it."))
    held_until = models.DateTimeField(null=True)
    message = models.TextField(default="", blank=True)
    cancel_requested_at = models.DateTimeField(null=True)
    requested_by_id = models.UUIDField()
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "agent_installations"
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["server_id"],
                condition=Q(state__in=[each.value for each in OPEN]),
                name="one_open_installation_per_server",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[each.value for each in InstallationState]), name="installation_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[each.value for each in OPEN], ended_at__isnull=True)
                | (~Q(state__in=[each.value for each in OPEN]) & Q(ended_at__isnull=False, sealed="")),
                name="ended_installation_keeps_no_login",
            ),
            models.CheckConstraint(condition=Q(sealed__regex=_SEALED), name="installation_has_key_version"),
        ]
        indexes = [
            models.Index(fields=["server_id", "-requested_at"], name="installations_of_server"),
            models.Index(
                fields=["deadline_at"],
                condition=Q(state__in=[each.value for each in OPEN]),
                name="installations_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} on {self.server_name}"


class InstallationStep(models.Model):
    """One step of an installation as it went the last time."""

    installation = models.ForeignKey(AgentInstallation, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    step = models.CharField(max_length=16, choices=[(each.value, each.value) for each in Step])
    state = models.CharField(
        max_length=16, choices=[(each.value, each.value) for each in StepState], default=StepState.WAITING.value
    )
    message = models.TextField(default="", blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "installation_steps"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["installation", "position"], name="installation_step_once")]

    def __str__(self) -> str:
        return self.step
