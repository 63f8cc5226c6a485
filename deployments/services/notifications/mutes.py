"""Mutes of whole channels and projects: messages wait until they end, and what is over by then is not told."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.data.notification_types import ChannelRecord
from deployments.errors import Invalid
from deployments.repositories import projects
from deployments.repositories.notifications import channel_rows, delivery_rows
from deployments.services.audit.record import record
from deployments.services.notifications import channels
from deployments.services.permissions import access
from deployments.types import Caller, Right

MAX_MUTED = timedelta(days=7)


def mute_channel(*, caller: Caller, channel_id: UUID, minutes: int, at: datetime) -> ChannelRecord:
    """Have the channel told of nothing for so long; 0 ends that. Raises NotFound, Forbidden, or Invalid."""
    channels.get_channel_to_change(caller=caller, channel_id=channel_id)
    with transaction.atomic():
        channel_rows.mute(channel_id=channel_id, until=end_of(minutes=minutes, at=at))
        delivery_rows.release(channel_id=channel_id, at=at)
    return channels.get_channel(caller=caller, channel_id=channel_id)


def mute_project(*, caller: Caller, project_id: UUID, minutes: int, at: datetime) -> datetime | None:
    """Have nobody told of the project's incidents for so long; 0 ends that. Return until when.

    It is for those who may change the project. Raises NotFound, Forbidden, or Invalid.
    """
    access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    until = end_of(minutes=minutes, at=at)
    with transaction.atomic():
        projects.mute(project_id=project_id, until=until)
        detail = f"notifications: muted until {until:%Y-%m-%d %H:%M} UTC" if until else "notifications: not muted"
        record(by=caller, action=AuditAction.SETTINGS_CHANGED, detail=detail, project_id=project_id)
        delivery_rows.release(project_id=project_id, at=at)
    return until


def project_muted_until(*, project_id: UUID, at: datetime) -> datetime | None:
    """Return until when nobody is told of the project's incidents; None where everybody is."""
    until = projects.muted_until(project_id=project_id)
    return until if until is not None and until > at else None


def end_of(*, minutes: int, at: datetime) -> datetime | None:
    """Return when a mute of so many minutes ends; None for 0. Raises Invalid."""
    most = int(MAX_MUTED.total_seconds()) // 60
    if not 0 <= minutes <= most:
        raise Invalid(
            sentence("It cannot be muted for that long."),
            details={"minutes": sentence("between 0 and {most}", most=most)},
        )
    return at + timedelta(minutes=minutes) if minutes else None
