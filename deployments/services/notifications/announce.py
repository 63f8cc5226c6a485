"""Messages about incidents, stored with what they tell of: at the beginning, at the end, and in between as asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents.services import directory
from deployments.data.incident_types import IncidentRecord
from deployments.data.notification_types import ChannelRecord, MessageKind, NewDelivery
from deployments.event_types import epoch_ms
from deployments.repositories.notifications import channel_rows, delivery_rows
from deployments.repositories.observation import incident_rows
from deployments.rules import notification_rules

MAX_REMINDED = 200
# Of one incident to one channel: whoever has not come by then will not come for another one.
MAX_REMINDERS = 100
MUTED = "The incident was muted."
OVER = "The incident was over before this was due."


def announce_opened(*, incident: IncidentRecord, at: datetime) -> None:
    """Store a message to each channel that wants to know of this open incident and was not told yet.

    In the transaction that opens the incident, or makes it worse.
    """
    channels = _interested(incident)
    if not channels:
        return
    skipped = MUTED if _is_muted(incident, at=at) else ""
    content = content_of(MessageKind.OPENED, incident, at=at)
    messages = [
        _message(channel, incident, MessageKind.OPENED, content=content, at=at, skipped=skipped) for channel in channels
    ]
    delivery_rows.append(deliveries=messages, at=at)


def announce_closed(*, incident: IncidentRecord, at: datetime) -> None:
    """Store a message to each channel that knows that the incident was open. In the transaction that closes it.

    Whoever would have heard of its beginning only later hears nothing.
    """
    early = (MessageKind.OPENED, MessageKind.REMINDER)
    delivery_rows.skip_unsent(incident_id=incident.id, kinds=early, why=OVER, at=at)
    told = delivery_rows.told_channels(incident_id=incident.id)
    if not told:
        return
    skipped = MUTED if _is_muted(incident, at=at) else ""
    content = content_of(MessageKind.CLOSED, incident, at=at)
    channels = [each for each in channel_rows.of_project(project_id=incident.project_id) if each.id in told]
    messages = [
        _message(channel, incident, MessageKind.CLOSED, content=content, at=at, skipped=skipped) for channel in channels
    ]
    delivery_rows.append(deliveries=messages, at=at)


def remind(*, at: datetime) -> int:
    """Store the reminders that are due; return how many. Several may run: a reminder is stored once.

    None is due of an incident that is muted or that somebody takes care of.
    """
    incident_ids = delivery_rows.to_remind(now=at, limit=MAX_REMINDED)
    if not incident_ids:
        return 0
    last = delivery_rows.last_told(incident_ids=incident_ids)
    stored = 0
    for incident_id in incident_ids:
        told = {channel_id: each for (of, channel_id), each in last.items() if of == incident_id}
        with transaction.atomic():
            incident = incident_rows.locked_open(incident_id=incident_id)
            if incident is not None and incident.acknowledged_at is None and not _is_muted(incident, at=at):
                stored += _remind(incident, told, at=at)
    return stored


def _remind(incident: IncidentRecord, told: Mapping[UUID, tuple[datetime, int]], *, at: datetime) -> int:
    content = content_of(MessageKind.REMINDER, incident, at=at)
    messages = []
    for channel in _interested(incident):
        told_at, number = told.get(channel.id, (at, MAX_REMINDERS))
        due = notification_rules.reminder_due(channel.rules, told_at=told_at, now=at)
        if due and number < MAX_REMINDERS:
            messages.append(
                _message(channel, incident, MessageKind.REMINDER, content=content, at=at, number=number + 1)
            )
    delivery_rows.append(deliveries=messages, at=at)
    return len(messages)


def content_of(kind: MessageKind, incident: IncidentRecord, *, at: datetime) -> dict[str, Any]:
    """Return what a message says, as receivers of webhooks get it."""
    names = directory.server_names(server_ids={incident.server_id})
    return {
        "type": f"incident.{kind}",
        "timestamp": at.isoformat(),
        "data": {
            "incidentId": str(incident.id),
            "projectId": str(incident.project_id),
            "projectName": incident.project_name,
            "serverId": str(incident.server_id),
            "serverName": names.get(incident.server_id, str(incident.server_id)[:8]),
            "cause": incident.cause,
            "severity": incident.severity,
            "message": incident.message,
            "services": list(incident.services),
            "since": incident.since_ms,
            "closedAt": epoch_ms(incident.closed_at),
            "url": link_to(incident.id),
        },
    }


def link_to(incident_id: UUID) -> str:
    """Return the address of the incident's page; empty where nobody said how people reach the pages."""
    # Written out: processes that send have no routes of pages loaded.
    return settings.AXION_PUBLIC_URL and f"{settings.AXION_PUBLIC_URL}/admin/deployments/incident/{incident_id}/change/"


def _interested(incident: IncidentRecord) -> list[ChannelRecord]:
    return [
        channel
        for channel in channel_rows.of_project(project_id=incident.project_id)
        if notification_rules.wants(
            channel.rules, project_id=incident.project_id, cause=incident.cause, severity=incident.severity
        )
    ]


def _is_muted(incident: IncidentRecord, *, at: datetime) -> bool:
    return incident.muted_until is not None and incident.muted_until > at


def _message(
    channel: ChannelRecord,
    incident: IncidentRecord,
    kind: MessageKind,
    *,
    content: Mapping[str, Any],
    at: datetime,
    number: int = 0,
    skipped: str = "",
) -> NewDelivery:
    return NewDelivery(
        channel_id=channel.id,
        project_id=incident.project_id,
        incident_id=incident.id,
        kind=kind,
        content=content,
        due_at=notification_rules.due_at(channel.rules, severity=incident.severity, now=at),
        number=number,
        skipped=skipped,
    )
