"""REST for notifications: channels, a test, what went out, and the same once more."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.notification_schemas import (
    ChangedChannelOut,
    ChannelChangeIn,
    ChannelIn,
    ChannelOut,
    ChannelsQuery,
    DeliveryOut,
    NewChannelOut,
)
from deployments.api.schemas.observation_schemas import MuteIn
from deployments.api.schemas.openapi import NO_BODY, documented, enveloped, enveloped_data
from deployments.api.schemas.requests import PageQuery
from deployments.api.schemas.responses import PaginationOut, Timestamp
from deployments.data.incident_types import Severity
from deployments.data.notification_types import (
    ChannelChange,
    ChannelKind,
    ChannelRecord,
    ChannelRules,
    DeliveryRecord,
    NewChannel,
)
from deployments.event_types import epoch_ms
from deployments.services.notifications import channels, mutes
from deployments.wire import pagination_shape

TAG = "notifications"


class NotificationChannels(BaseView):
    @documented(
        "listNotificationChannels",
        "List your channels and those of projects that you can see, without their addresses",
        tag=TAG,
        query=ChannelsQuery,
        answers={200: enveloped_data("ChannelsAnswer", channels=ChannelOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        query = validated(ChannelsQuery, request.query_params)
        found = channels.list_channels(caller=self.caller, project_id=query.get("projectId"))
        return success({"data": {"channels": [channel_shape(channel) for channel in found]}})

    @documented(
        "addNotificationChannel",
        "Add a channel for yourself or one of your projects; its address is never shown again",
        tag=TAG,
        takes=ChannelIn,
        answers={201: enveloped("NewChannelAnswer", data=NewChannelOut())},
        key=True,
    )
    @idempotent(keep=False)
    def post(self, request: Request) -> Response:
        new = channel_in(validated(ChannelIn, request.data))
        made, secret = channels.add_channel(caller=self.caller, new=new, at=timezone.now())
        return success({"data": {"channel": channel_shape(made), "secret": secret}}, status=201)


class NotificationChannel(BaseView):
    @documented(
        "getNotificationChannel",
        "Get a channel, without its address",
        tag=TAG,
        answers={200: enveloped("ChannelAnswer", channel=ChannelOut())},
    )
    def get(self, request: Request, channel_id: UUID) -> Response:
        found = channels.get_channel(caller=self.caller, channel_id=channel_id)
        return success({"channel": channel_shape(found)})

    @documented(
        "changeNotificationChannel",
        "Change the given fields of a channel; its address, which is never shown, stays where none is given",
        tag=TAG,
        takes=ChannelChangeIn,
        answers={200: enveloped("ChangedChannelAnswer", data=ChangedChannelOut())},
    )
    def patch(self, request: Request, channel_id: UUID) -> Response:
        body = validated(ChannelChangeIn, request.data)
        before = channels.get_channel(caller=self.caller, channel_id=channel_id)
        change = ChannelChange(
            name=body.get("name", before.name),
            rules=rules_in(body, before=before.rules),
            address=body.get("address", ""),
        )
        changed, secret = channels.change_channel(caller=self.caller, channel_id=channel_id, change=change)
        return success({"data": {"channel": channel_shape(changed), "secret": secret}})

    @documented(
        "deleteNotificationChannel", "Delete a channel and its list of deliveries", tag=TAG, answers={204: None}
    )
    def delete(self, request: Request, channel_id: UUID) -> Response:
        channels.delete_channel(caller=self.caller, channel_id=channel_id)
        return Response(status=204)


class TestChannel(BaseView):
    @documented(
        "testNotificationChannel",
        "Send a test message; its outcome is in the list of deliveries",
        tag=TAG,
        takes=NO_BODY,
        answers={202: enveloped("ChannelTestAnswer")},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, channel_id: UUID) -> Response:
        channels.send_test(caller=self.caller, channel_id=channel_id, at=timezone.now())
        return success({}, status=202)


class MuteChannel(BaseView):
    @documented(
        "muteNotificationChannel",
        "Mute a channel for a number of minutes; 0 unmutes it",
        tag=TAG,
        takes=MuteIn,
        answers={200: enveloped("MutedChannelAnswer", channel=ChannelOut())},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, channel_id: UUID) -> Response:
        minutes = validated(MuteIn, request.data)["minutes"]
        muted = mutes.mute_channel(caller=self.caller, channel_id=channel_id, minutes=minutes, at=timezone.now())
        return success({"channel": channel_shape(muted)})


class MuteProject(BaseView):
    @documented(
        "muteProject",
        "Mute all incidents of a project for a number of minutes; 0 unmutes them",
        tag=TAG,
        takes=MuteIn,
        answers={200: enveloped("MutedProjectAnswer", mutedUntil=Timestamp())},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, project_id: UUID) -> Response:
        minutes = validated(MuteIn, request.data)["minutes"]
        until = mutes.mute_project(caller=self.caller, project_id=project_id, minutes=minutes, at=timezone.now())
        return success({"mutedUntil": epoch_ms(until)})


class NotificationDeliveries(BaseView):
    @documented(
        "listNotificationDeliveries",
        "List the deliveries of a channel, newest first",
        tag=TAG,
        query=PageQuery,
        answers={
            200: enveloped_data("DeliveriesAnswer", deliveries=DeliveryOut(many=True), pagination=PaginationOut())
        },
    )
    def get(self, request: Request, channel_id: UUID) -> Response:
        query = validated(PageQuery, request.query_params)
        page = channels.list_deliveries(
            caller=self.caller, channel_id=channel_id, page=query.get("page", 1), limit=query.get("limit", 20)
        )
        shapes = [delivery_shape(delivery) for delivery in page.items]
        return success({"data": {"deliveries": shapes, "pagination": pagination_shape(page)}})


class RepeatDelivery(BaseView):
    @documented(
        "repeatNotificationDelivery",
        "Send a message again with the same id, so that receivers can drop duplicates",
        tag=TAG,
        takes=NO_BODY,
        answers={202: enveloped("DeliveryAnswer", delivery=DeliveryOut())},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, delivery_id: UUID) -> Response:
        repeated = channels.repeat_delivery(caller=self.caller, delivery_id=delivery_id)
        return success({"delivery": delivery_shape(repeated)}, status=202)


def channel_in(body: Mapping[str, Any]) -> NewChannel:
    """Return the channel that a body asks for."""
    return NewChannel(
        name=body["name"],
        kind=ChannelKind(body["kind"]),
        address=body["address"],
        project_id=body.get("projectId"),
        rules=rules_in(body, before=ChannelRules()),
    )


def rules_in(body: Mapping[str, Any], *, before: ChannelRules) -> ChannelRules:
    """Return the rules that a body asks for; what it does not name stays as before."""
    return ChannelRules(
        causes=frozenset(body.get("causes", before.causes)),
        least_severity=Severity(body.get("leastSeverity", before.least_severity)),
        project_ids=frozenset(body.get("projectIds", before.project_ids)),
        reminder_minutes=body.get("reminderMinutes", before.reminder_minutes),
        quiet_from=body.get("quietFrom", before.quiet_from),
        quiet_to=body.get("quietTo", before.quiet_to),
        time_zone=body.get("timeZone", before.time_zone),
        critical_always=body.get("criticalAlways", before.critical_always),
    )


def channel_shape(channel: ChannelRecord) -> dict[str, Any]:
    rules = channel.rules
    return {
        "id": str(channel.id),
        "name": channel.name,
        "kind": channel.kind,
        "service": channel.service,
        "projectId": str(channel.project_id or ""),
        "projectName": channel.project_name,
        "causes": sorted(rules.causes),
        "leastSeverity": str(rules.least_severity),
        "projectIds": sorted(map(str, rules.project_ids)),
        "reminderMinutes": rules.reminder_minutes,
        "quietFrom": rules.quiet_from,
        "quietTo": rules.quiet_to,
        "timeZone": rules.time_zone,
        "criticalAlways": rules.critical_always,
        "mutedUntil": epoch_ms(channel.muted_until),
        "createdAt": epoch_ms(channel.created_at),
    }


def delivery_shape(delivery: DeliveryRecord) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "incidentId": str(delivery.incident_id or ""),
        "kind": delivery.kind,
        "state": delivery.state,
        "title": delivery.title,
        "attempts": delivery.attempts,
        "error": delivery.error,
        "createdAt": epoch_ms(delivery.created_at),
        "dueAt": epoch_ms(delivery.due_at),
        "endedAt": epoch_ms(delivery.ended_at),
    }
