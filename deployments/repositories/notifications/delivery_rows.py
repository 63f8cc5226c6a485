"""Deliveries: each message to each channel, from the incident that asks for it until it is out or given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.models.functions import Now

from agents.wording.sentences import sentence
from deployments.data.list_types import Page
from deployments.data.notification_types import (
    ChannelKind,
    ClaimedDelivery,
    DeliveryRecord,
    DeliveryState,
    Hold,
    MessageKind,
    NewDelivery,
)
from deployments.errors import NotFound
from deployments.models import Incident, NotificationChannel, NotificationDelivery, Project
from deployments.repositories.notifications.channel_rows import rules_of
from deployments.repositories.notifications.channel_rows import visible as visible_channels
from deployments.rules.notification_rules import title_of
from deployments.types import Caller

WAITING = DeliveryState.WAITING


def append(*, deliveries: Sequence[NewDelivery], at: datetime) -> None:
    """Store messages; one that is stored already stays. In the transaction that stores what they tell of."""
    rows = [
        NotificationDelivery(
            channel_id=each.channel_id,
            incident_id=each.incident_id,
            project_id=each.project_id,
            kind=each.kind,
            number=each.number,
            content=dict(each.content),
            state=DeliveryState.SKIPPED if each.skipped else WAITING,
            error=each.skipped,
            created_at=at,
            due_at=each.due_at,
            ended_at=at if each.skipped else None,
        )
        for each in deliveries
    ]
    NotificationDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def any_due() -> bool:
    """Return whether a message may be due; others may take it meanwhile."""
    return NotificationDelivery.objects.filter(state=WAITING, due_at__lte=Now()).exists()


def claim(*, now: datetime, lease: timedelta) -> ClaimedDelivery | None:
    """Take the next message that is due; it is due again after the lease, whatever becomes of this process.

    Messages of one incident to one channel go out in their order. Several processes may ask at once.
    """
    earlier = NotificationDelivery.objects.filter(
        channel=OuterRef("channel"),
        incident_id=OuterRef("incident_id"),
        position__lt=OuterRef("position"),
        state=WAITING,
    )
    due = NotificationDelivery.objects.filter(~Exists(earlier), state=WAITING, due_at__lte=now)
    with transaction.atomic():
        rows = due.select_related("channel__owner", "channel__project__owner").select_for_update(
            skip_locked=True, of=("self",)
        )
        row = rows.order_by("attempts", "due_at").first()
        if row is None:
            return None
        NotificationDelivery.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1, due_at=now + lease)
    owner = row.channel.owner or (row.channel.project.owner if row.channel.project else None)
    return ClaimedDelivery(
        id=row.id,
        language=owner.language if owner else "",
        attempts=row.attempts + 1,
        channel_id=row.channel_id,
        channel_kind=ChannelKind(row.channel.kind),
        channel_owner_id=row.channel.owner_id,
        project_id=row.project_id,
        incident_id=row.incident_id,
        content=row.content,
        sealed=row.channel.sealed,
        by_hand=row.by_hand,
    )


def hold_of(*, claimed: ClaimedDelivery) -> Hold | None:
    """Return what may keep the message back now; None for one that is gone meanwhile, or a test."""
    row = NotificationDelivery.objects.select_related("channel").filter(id=claimed.id).first()
    if row is None or row.incident_id is None or row.project_id is None:
        return None
    incident = Incident.objects.filter(pk=row.incident_id).values_list("muted_until", flat=True)
    project = Project.objects.filter(pk=row.project_id).values_list("muted_until", flat=True)
    return Hold(
        rules=rules_of(row.channel),
        channel_muted_until=row.channel.muted_until,
        project_muted_until=project.first(),
        incident_muted_until=incident.first(),
    )


def hold(*, claimed: ClaimedDelivery, until: datetime) -> None:
    """Have the message wait, as if nobody had taken it."""
    _held(claimed).update(due_at=until, attempts=F("attempts") - 1)


def release(*, channel_id: UUID | None = None, project_id: UUID | None = None, at: datetime) -> None:
    """Have what waits there looked at again: what held it back may be over. What failed before keeps its pause."""
    rows = NotificationDelivery.objects.filter(state=WAITING, attempts=0, due_at__gt=at)
    chosen = rows.filter(channel=channel_id) if channel_id else rows.filter(project_id=project_id)
    chosen.update(due_at=at)


def end(*, claimed: ClaimedDelivery, state: DeliveryState, error: str, at: datetime) -> bool:
    """Store how a claimed message ended; False where another process has claimed it since."""
    return _held(claimed).update(state=state, error=error, ended_at=at) == 1


def put_off(*, claimed: ClaimedDelivery, error: str, until: datetime) -> None:
    """Store why it did not go out; the channel's other messages wait as long, for it is the channel that is away."""
    with transaction.atomic():
        _held(claimed).update(due_at=until, error=error)
        others = NotificationDelivery.objects.filter(channel=claimed.channel_id, state=WAITING, due_at__lt=until)
        others.exclude(id=claimed.id).update(due_at=until)


def skip_unsent(*, incident_id: UUID, kinds: Collection[MessageKind], why: str, at: datetime) -> set[UUID]:
    """Skip messages of the incident that nobody has tried to send and that are not due yet; return their channels.

    Inside a transaction.
    """
    rows = NotificationDelivery.objects.select_for_update().filter(
        incident_id=incident_id, kind__in=list(kinds), state=WAITING, attempts=0, due_at__gt=at
    )
    found = {row.position: row.channel_id for row in rows.only("position", "channel_id")}
    NotificationDelivery.objects.filter(pk__in=list(found)).update(state=DeliveryState.SKIPPED, error=why, ended_at=at)
    return set(found.values())


def told_channels(*, incident_id: UUID) -> set[UUID]:
    """Return the channels that were told, or will be, that the incident is open."""
    rows = NotificationDelivery.objects.filter(incident_id=incident_id, kind=MessageKind.OPENED)
    return set(rows.exclude(state=DeliveryState.SKIPPED).values_list("channel_id", flat=True))


def last_told(*, incident_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], tuple[datetime, int]]:
    """Return when each channel was told of each incident last and how many reminders that were, by incident, channel.

    Left out are those that have a message which is still on its way.
    """
    rows = NotificationDelivery.objects.filter(incident_id__in=incident_ids)
    waiting = set(rows.filter(state=WAITING).values_list("incident_id", "channel_id"))
    last = rows.exclude(state=DeliveryState.SKIPPED).values_list("incident_id", "channel_id")
    return {
        (incident_id, channel_id): (told_at, number)
        for incident_id, channel_id, told_at, number in last.annotate(told=Max("created_at"), number_=Max("number"))
        if incident_id is not None and (incident_id, channel_id) not in waiting
    }


def to_remind(*, now: datetime, limit: int) -> tuple[UUID, ...]:
    """Return open incidents that somebody may want to hear of again, the longest untold first."""
    told = NotificationDelivery.objects.filter(
        incident_id=OuterRef("pk"), channel__reminder_minutes__gt=0, kind=MessageKind.OPENED
    )
    rows = Incident.objects.filter(Exists(told), closed_at__isnull=True, acknowledged_at__isnull=True)
    rows = rows.exclude(muted_until__gt=now)
    return tuple(rows.order_by("opened_at").values_list("pk", flat=True)[:limit])


def page_of(*, caller: Caller, channel_id: UUID, page: int, limit: int) -> Page[DeliveryRecord]:
    """Return a page of what went to the channel, or will, the newest first; nothing of a stranger's."""
    rows = _visible(caller).filter(channel=channel_id)
    chosen = rows.order_by("-position")[(page - 1) * limit : page * limit]
    return Page(items=tuple(map(_record, chosen)), page=page, limit=limit, total=rows.count())


def find(*, caller: Caller, delivery_id: UUID) -> DeliveryRecord:
    """Return the delivery. Raises NotFound, also for a stranger's."""
    row = _visible(caller).filter(id=delivery_id).first()
    if row is None:
        raise NotFound(sentence("No such delivery."))
    return _record(row)


def repeat(*, delivery_id: UUID, at: datetime) -> bool:
    """Send it again, under the same id; False where it is on its way already."""
    rows = NotificationDelivery.objects.filter(id=delivery_id).exclude(state=WAITING)
    return rows.update(state=WAITING, attempts=0, error="", due_at=at, ended_at=None, by_hand=True) == 1


def drop_before(*, before: datetime, limit: int) -> int:
    """Delete deliveries that ended before then, but for those of open incidents; return how many."""
    open_ = Incident.objects.filter(pk=OuterRef("incident_id"), closed_at__isnull=True)
    rows = NotificationDelivery.objects.filter(~Exists(open_), ended_at__lt=before).order_by("ended_at")
    return NotificationDelivery.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:limit])).delete()[0]


def drop_beyond(*, number: int, limit: int) -> int:
    """Delete what is beyond the newest `number` of a channel and has ended; return how many."""
    open_ = Incident.objects.filter(pk=OuterRef("incident_id"), closed_at__isnull=True)
    dropped = 0
    for channel_id in NotificationChannel.objects.values_list("pk", flat=True):
        newest = NotificationDelivery.objects.filter(channel=channel_id).order_by("-position")
        beyond = newest.values_list("position", flat=True)[number : number + 1].first()
        if beyond is None or dropped >= limit:
            continue
        rows = NotificationDelivery.objects.filter(~Exists(open_), channel=channel_id, position__lte=beyond)
        ids = list(rows.exclude(state=WAITING).order_by("position").values_list("pk", flat=True)[: limit - dropped])
        dropped += NotificationDelivery.objects.filter(pk__in=ids).delete()[0]
    return dropped


def _held(claimed: ClaimedDelivery) -> QuerySet[NotificationDelivery]:
    return NotificationDelivery.objects.filter(id=claimed.id, attempts=claimed.attempts, state=WAITING)


def _visible(caller: Caller) -> QuerySet[NotificationDelivery]:
    return NotificationDelivery.objects.filter(channel__in=visible_channels(caller).values("pk"))


def _record(row: NotificationDelivery) -> DeliveryRecord:
    return DeliveryRecord(
        id=row.id,
        channel_id=row.channel_id,
        incident_id=row.incident_id,
        kind=row.kind,
        state=row.state,
        title=title_of(row.content),
        attempts=row.attempts,
        error=row.error,
        created_at=row.created_at,
        due_at=row.due_at,
        ended_at=row.ended_at,
    )
