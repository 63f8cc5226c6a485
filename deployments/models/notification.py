"""Where people want to be told of incidents, and each message that went there or will."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.models.project import Project


class NotificationChannel(models.Model):
    """A receiver of messages, of one user or one project. Its address is sealed and never shown again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(max_length=16)
    service = models.CharField(_("receiver"), max_length=64, help_text=_("What kind of receiver it is."))
    sealed = models.TextField(help_text=_("Address and signing secret: VERSION:BASE64 of nonce and ciphertext."))
    causes = models.JSONField(default=list, help_text=_("Empty for all."))
    least_severity = models.CharField(max_length=16)
    project_ids = models.JSONField(default=list, help_text=_("Empty for all that its owner takes part in."))
    reminder_minutes = models.PositiveIntegerField(default=0, help_text=_("0 for none."))
    quiet_from = models.PositiveSmallIntegerField(default=0, help_text=_("Minute of the day in its time zone."))
    quiet_to = models.PositiveSmallIntegerField(default=0, help_text=_("Equal to the beginning for no quiet hours."))
    time_zone = models.CharField(max_length=64, default="UTC")
    critical_always = models.BooleanField(default=True, help_text=_("Critical incidents are told in quiet hours, too."))
    muted_until = models.DateTimeField(null=True, help_text=_("What is due before waits until then."))
    created_at = models.DateTimeField()

    class Meta:
        db_table = "notification_channels"
        verbose_name = _("notification channel")
        verbose_name_plural = _("notification channels")
        constraints = [
            models.CheckConstraint(
                condition=Q(owner__isnull=False, project__isnull=True) | Q(owner__isnull=True, project__isnull=False),
                name="channel_of_user_or_project",
            ),
            models.CheckConstraint(condition=Q(sealed__regex=r"^[0-9]+:"), name="channel_has_key_version"),
        ]

    def __str__(self) -> str:
        return self.name


class NotificationDelivery(models.Model):
    """One message to one channel; those that wait are the outbox. Its id is the message's, at every repeat."""

    position = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(NotificationChannel, on_delete=models.CASCADE, related_name="deliveries")
    incident_id = models.UUIDField(null=True, help_text=_("None for a test."))
    project_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=16)
    number = models.PositiveIntegerField(default=0, help_text=_("Of a reminder."))
    content = models.JSONField(help_text=_("What the message says."))
    state = models.CharField(max_length=16)
    by_hand = models.BooleanField(
        default=False, db_default=False, help_text=_("Somebody asked for it: nothing holds it back.")
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, default="", blank=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text=_("When to send it, or to try again."))
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notification_deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "incident_id", "kind", "number"], name="one_delivery_per_message"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="deliveries_waiting"),
            models.Index(fields=["channel", "-position"], name="deliveries_of_channel"),
            models.Index(fields=["incident_id"], name="deliveries_of_incident"),
            models.Index(fields=["ended_at"], name="deliveries_by_end"),
        ]
