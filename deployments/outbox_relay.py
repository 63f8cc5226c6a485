"""Send stored events out, in order and at least once, to each outbox by itself: one that is stuck holds up no other.

Every event carries one mark per outbox. Marks and not a position reached: positions are given before the commit, so a
reader that remembered only the highest one would pass over a row that commits late. Within a deployment they rise in
commit order, because its row is locked while events are appended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from agents.isolation import Isolation, isolation
from deployments import live_updates
from deployments.kafka.broker import BROKER_AWAY
from deployments.kafka.event_stream import EventTopic
from deployments.repositories import events
from deployments.repositories.events import Mark
from deployments.types import EventRecord

BATCH = 200
# Held by the process that streams to Kafka.
KAFKA_LOCK = 7_201_002
MAX_COUNTED = 10_000
# Longer than a batch may take on its way out, and than a publisher waits for news.
SILENT_SECONDS = 120

Send = Callable[[Sequence[EventRecord]], None]


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """One way out. `trouble` is what `send` raises when the other side is away.

    `lock` never changes: two versions side by side must contend for the same one.
    """

    name: str
    lock: int
    mark: Mark
    send: Send
    trouble: tuple[type[Exception], ...]


@dataclass(frozen=True, kw_only=True)
class Lag:
    """How far an outbox is behind; it counts up to MAX_COUNTED."""

    name: str
    waiting: int
    oldest: timedelta


def outboxes() -> tuple[Outbox, ...]:
    """Return the ways out that are configured. Call it once per process: each has connections of its own."""
    browsers = Outbox(
        name="browsers", lock=7_201_001, mark=Mark.BROWSERS, send=live_updates.push, trouble=(RedisError,)
    )
    kafka = Outbox(name="kafka", lock=KAFKA_LOCK, mark=Mark.KAFKA, send=EventTopic().send, trouble=BROKER_AWAY)
    return (browsers, kafka) if settings.KAFKA_BROKERS else (browsers,)


def lags(*, at: datetime) -> tuple[Lag, ...]:
    """Return what waits in each outbox that is configured."""
    return tuple(lag_of(outbox=outbox, at=at) for outbox in outboxes())


def become_publisher(*, outbox: Outbox) -> bool:
    """Try to become the one publisher of the outbox for as long as this database connection lives; return whether."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [outbox.lock])
        row = cursor.fetchone()
        mine = bool(row and row[0])
        if mine:
            # The database ends a connection that is silent for longer: who is stopped or cut off gives way.
            cursor.execute("SELECT set_config('idle_session_timeout', %s, false)", [f"{SILENT_SECONDS}s"])
    return mine


def publish_batch(*, outbox: Outbox, at: datetime) -> int:
    """Send the oldest events that are not out, then mark them; return how many there were.

    When sending raises they stay unmarked. A crash before the mark sends them again: consumers drop repeats.
    """
    loop = isolation(f"events to {outbox.name}")
    batch = events.unpublished(mark=outbox.mark, but_not=loop.resting(), limit=BATCH)
    if not batch:
        return 0
    sent = _send(batch, outbox=outbox, loop=loop)
    events.mark_published(mark=outbox.mark, positions=sent, at=at)
    return len(sent)


def _send(batch: Sequence[tuple[int, EventRecord]], *, outbox: Outbox, loop: Isolation) -> list[int]:
    """Send all at once, or each by itself where one of them is at fault; return the positions sent.

    Raises the outbox's trouble, of which no event is to blame.
    """
    try:
        outbox.send([record for _, record in batch])
    except outbox.trouble:
        raise
    except Exception:
        return _send_each(batch, outbox=outbox, loop=loop)
    return [position for position, _ in batch]


def _send_each(batch: Sequence[tuple[int, EventRecord]], *, outbox: Outbox, loop: Isolation) -> list[int]:
    sent = []
    for position, record in batch:
        with loop.item(position, raising=outbox.trouble):
            outbox.send([record])
            sent.append(position)
    return sent


def lag_of(*, outbox: Outbox, at: datetime) -> Lag:
    """Return how many events wait to go out there, and for how long the oldest has waited."""
    oldest = events.oldest_unpublished(mark=outbox.mark)
    return Lag(
        name=outbox.name,
        waiting=events.count_unpublished(mark=outbox.mark, at_most=MAX_COUNTED),
        oldest=at - oldest if oldest else timedelta(0),
    )
