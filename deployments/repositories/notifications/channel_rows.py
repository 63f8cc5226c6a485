"""Channels of notifications: whose each is, and what it is told of. Addresses stay sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from agents.wording.sentences import sentence
from deployments.data.incident_types import Severity
from deployments.data.notification_types import ChannelRecord, ChannelRules, NewChannel
from deployments.errors import NotFound
from deployments.models import GroupPerson, NotificationChannel, Project, ProjectMember
from deployments.repositories import projects
from deployments.types import Caller

MAX_LISTED = 200
# Of everybody who has to do with one project; the bounds of users and projects stay far below.
MAX_TOLD = 1000


def add(
    *, channel_id: UUID, new: NewChannel, owner_id: UUID | None, service: str, sealed: str, at: datetime
) -> ChannelRecord:
    """Store a channel."""
    NotificationChannel.objects.create(
        id=channel_id,
        owner_id=owner_id,
        project_id=new.project_id,
        name=new.name,
        kind=new.kind,
        service=service,
        sealed=sealed,
        created_at=at,
        **_columns_of(new.rules),
    )
    return record_of(NotificationChannel.objects.select_related("project").get(pk=channel_id))


def change(*, channel_id: UUID, name: str, rules: ChannelRules, service: str = "", sealed: str = "") -> None:
    """Store another name and other rules; where `sealed` is given also another address, of such a service."""
    columns: dict[str, Any] = {"name": name, **_columns_of(rules)}
    if sealed:
        columns |= {"service": service, "sealed": sealed}
    NotificationChannel.objects.filter(pk=channel_id).update(**columns)


def mute(*, channel_id: UUID, until: datetime | None) -> None:
    NotificationChannel.objects.filter(pk=channel_id).update(muted_until=until)


def _columns_of(rules: ChannelRules) -> dict[str, Any]:
    return {
        "causes": sorted(rules.causes),
        "least_severity": rules.least_severity,
        "project_ids": sorted(map(str, rules.project_ids)),
        "reminder_minutes": rules.reminder_minutes,
        "quiet_from": rules.quiet_from,
        "quiet_to": rules.quiet_to,
        "time_zone": rules.time_zone,
        "critical_always": rules.critical_always,
    }


def visible(caller: Caller) -> QuerySet[NotificationChannel]:
    """Return the caller's own channels, and those of projects that the caller may see."""
    return NotificationChannel.objects.select_related("project").filter(projects.own_or_shared(caller))


def listed(*, caller: Caller, project_id: UUID | None = None) -> tuple[ChannelRecord, ...]:
    """Return the channels that the caller may see, by name; of one project alone where it is named."""
    rows = visible(caller)
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    return tuple(record_of(row) for row in rows.order_by("name", "pk")[:MAX_LISTED])


def find(*, caller: Caller, channel_id: UUID) -> ChannelRecord:
    """Return the channel. Raises NotFound, also for somebody else's."""
    row = visible(caller).filter(pk=channel_id).first()
    if row is None:
        raise NotFound(sentence("No such channel."))
    return record_of(row)


def count(*, owner_id: UUID | None, project_id: UUID | None) -> int:
    return NotificationChannel.objects.filter(owner=owner_id, project=project_id).count()


def remove(*, channel_id: UUID) -> None:
    """Delete the channel with its deliveries."""
    NotificationChannel.objects.filter(pk=channel_id).delete()


def of_project(*, project_id: UUID) -> tuple[ChannelRecord, ...]:
    """Return the project's channels, and those of its owner and its members who can still sign in."""
    member = ProjectMember.objects.filter(project=project_id, user=OuterRef("owner"))
    its_owner = Project.objects.filter(pk=project_id, owner=OuterRef("owner"))
    grouped = GroupPerson.objects.filter(group__project_roles__project=project_id, user=OuterRef("owner"))
    person = Q(owner__is_active=True) & (Exists(member) | Exists(its_owner) | Exists(grouped))
    rows = NotificationChannel.objects.filter(Q(project=project_id) | person).select_related("project")
    return tuple(record_of(row) for row in rows.order_by("pk")[:MAX_TOLD])


def may_be_told(*, channel_id: UUID, project_id: UUID) -> bool:
    """Return whether the channel may hear of the project now."""
    return any(channel.id == channel_id for channel in of_project(project_id=project_id))


def record_of(row: NotificationChannel) -> ChannelRecord:
    return ChannelRecord(
        id=row.id,
        name=row.name,
        kind=row.kind,
        service=row.service,
        owner_id=row.owner_id,
        project_id=row.project_id,
        project_name=row.project.name if row.project else "",
        rules=rules_of(row),
        created_at=row.created_at,
        muted_until=row.muted_until,
    )


def rules_of(row: NotificationChannel) -> ChannelRules:
    """Return what the channel is told of, and when."""
    return ChannelRules(
        causes=frozenset(row.causes),
        least_severity=Severity(row.least_severity),
        project_ids=frozenset(UUID(each) for each in row.project_ids),
        reminder_minutes=row.reminder_minutes,
        quiet_from=row.quiet_from,
        quiet_to=row.quiet_to,
        time_zone=row.time_zone,
        critical_always=row.critical_always,
    )
