"""What requests and answers on notifications hold, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.requests import MAX_NAME_LENGTH, RequestSchema
from deployments.api.schemas.responses import ResponseSchema, Timestamp, string_list
from deployments.data.incident_types import Cause, Severity
from deployments.data.notification_types import (
    MAX_REMINDER_MINUTES,
    MINUTES_A_DAY,
    ChannelKind,
    DeliveryState,
    MessageKind,
)

MAX_ADDRESS_LENGTH = 2000
MAX_PROJECTS = 100
CAUSES = [str(cause) for cause in Cause]
SEVERITIES = [str(severity) for severity in Severity]
KINDS = [str(kind) for kind in ChannelKind]


class ChannelsQuery(RequestSchema):
    projectId = serializers.UUIDField(required=False, help_text="Of this project alone.")


class RulesIn(RequestSchema):
    """What a channel is told of and when."""

    causes = serializers.ListField(
        child=serializers.ChoiceField(choices=CAUSES),
        required=False,
        max_length=len(CAUSES),
        help_text="None for all.",
    )
    leastSeverity = serializers.ChoiceField(choices=SEVERITIES, required=False)
    projectIds = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=MAX_PROJECTS,
        help_text="Of these alone; none for all that you take part in.",
    )
    reminderMinutes = serializers.IntegerField(
        min_value=0, max_value=MAX_REMINDER_MINUTES, required=False, help_text="0 for no reminders."
    )
    quietFrom = serializers.IntegerField(
        min_value=0, max_value=MINUTES_A_DAY - 1, required=False, help_text="Minute of the day."
    )
    quietTo = serializers.IntegerField(
        min_value=0, max_value=MINUTES_A_DAY - 1, required=False, help_text="The same as quietFrom for no quiet hours."
    )
    timeZone = serializers.CharField(max_length=64, required=False, help_text="Of the quiet hours; UTC by itself.")
    criticalAlways = serializers.BooleanField(
        required=False, help_text="Whether critical incidents are told in quiet hours, too; yes by itself."
    )


class ChannelIn(RulesIn):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    kind = serializers.ChoiceField(
        choices=KINDS, help_text="`webhook` is signed by us; `service` takes an address of the apprise library."
    )
    address = serializers.CharField(
        max_length=MAX_ADDRESS_LENGTH, trim_whitespace=False, help_text="Secret: it is never shown again."
    )
    projectId = serializers.UUIDField(required=False, allow_null=True, help_text="Whose it is; else it is your own.")


class ChannelChangeIn(RulesIn):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH, required=False)
    address = serializers.CharField(
        max_length=MAX_ADDRESS_LENGTH,
        required=False,
        trim_whitespace=False,
        help_text="Secret, and of the same kind. A webhook gets a new signing secret with it.",
    )


class ChannelOut(ResponseSchema):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    service = serializers.CharField(help_text="What kind of receiver it is.")
    projectId = serializers.CharField(help_text="Empty for one of your own.")
    projectName = serializers.CharField(allow_blank=True)
    causes = string_list()
    leastSeverity = serializers.ChoiceField(choices=SEVERITIES)
    projectIds = string_list()
    reminderMinutes = serializers.IntegerField(min_value=0)
    quietFrom = serializers.IntegerField(min_value=0)
    quietTo = serializers.IntegerField(min_value=0)
    timeZone = serializers.CharField()
    criticalAlways = serializers.BooleanField()
    mutedUntil = Timestamp()
    createdAt = Timestamp()


class NewChannelOut(ResponseSchema):
    channel = ChannelOut()
    secret = serializers.CharField(help_text="What a webhook's messages are signed with, shown this once.")


class ChangedChannelOut(ResponseSchema):
    channel = ChannelOut()
    secret = serializers.CharField(
        help_text="What a webhook's messages are signed with from now on, shown this once; empty when it stayed."
    )


class DeliveryOut(ResponseSchema):
    id = serializers.UUIDField(help_text="Of the message, the same at every repeat.")
    incidentId = serializers.CharField(help_text="Empty for a test.")
    kind = serializers.ChoiceField(choices=[str(kind) for kind in MessageKind])
    state = serializers.ChoiceField(choices=[str(state) for state in DeliveryState])
    title = serializers.CharField()
    attempts = serializers.IntegerField(min_value=0)
    error = serializers.CharField(help_text="Why the last try failed, or why it was skipped.")
    createdAt = Timestamp()
    dueAt = Timestamp()
    endedAt = Timestamp()
