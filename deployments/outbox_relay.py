"""Send stored events out, in order and at least once, to each outbox by itself: one that is stuck holds up no other.

Every event carries one mark per outbox. Marks and not a position reached: positions are given before the commit, so a
reader that remembered only the highest one would pass over a row that commits late. Within a deployment they rise in
commit order, because its row is locked while events are appended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from agents.isolation import Isolation, isolation
from deployments import live_updates
from deployments.data.outbox_types import Waiting
from deployments.repositories.events import OF_DEPLOYMENTS, OF_STACKS, EventQueue, Mark
from deployments.repositories.observation.stack_outbox import StackEventQueue

BATCH = 200
# Held by the process that streams to Kafka.
KAFKA_LOCK = 7_201_002
# The same for the events of stacks.
STACKS_LOCK = 7_201_003
MAX_COUNTED = 10_000
# Longer than a batch may take on its way out, and than a publisher waits for news.
SILENT_SECONDS = 120

R = TypeVar("R")
Stored_co = TypeVar("Stored_co", covariant=True)


class Queue(Protocol[Stored_co]):
    """Stored events on one of their ways out, oldest first; each has a position and a mark."""

    def unpublished(self, *, but_not: Collection[int] = (), limit: int) -> Waiting[Stored_co]: ...

    def mark_published(self, *, positions: Sequence[int], at: datetime) -> None: ...

    def oldest_unpublished(self) -> datetime | None: ...

    def count_unpublished(self, *, at_most: int) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Outbox(Generic[R]):
    """One way out. `trouble` is what `send` raises when the other side is away.

    `lock` never changes: two versions side by side must contend for the same one.
    """

    name: str
    lock: int
    queue: Queue[R]
    send: Callable[[Sequence[R]], None]
    trouble: tuple[type[Exception], ...]
    # What notifications say that are about no event of this queue.
    passes_over: str = OF_STACKS


@dataclass(frozen=True, kw_only=True)
class Lag:
    """How far an outbox is behind; it counts up to MAX_COUNTED."""

    name: str
    waiting: int
    oldest: timedelta


@dataclass(frozen=True, kw_only=True)
class Published:
    """How many events went out, and whether others may have waited behind them."""

    number: int
    leaves_more: bool


def outboxes() -> tuple[Outbox[Any], ...]:
    """Return the ways out that are configured. Call it once per process: each has connections of its own."""
    browsers = Outbox(
        name="browsers",
        lock=7_201_001,
        queue=EventQueue(Mark.BROWSERS),
        send=live_updates.Pusher().push,
        trouble=(RedisError,),
    )
    return (browsers, *_to_kafka()) if settings.KAFKA_BROKERS else (browsers,)


def _to_kafka() -> tuple[Outbox[Any], ...]:
    # Only who streams pays for the library.
    from deployments.kafka.broker import BROKER_AWAY
    from deployments.kafka.event_stream import DEPLOYMENTS, STACKS, EventTopic

    kafka = Outbox(
        name="kafka",
        lock=KAFKA_LOCK,
        queue=EventQueue(Mark.KAFKA),
        send=EventTopic(DEPLOYMENTS).send,
        trouble=BROKER_AWAY,
    )
    stacks = Outbox(
        name="stacks",
        lock=STACKS_LOCK,
        queue=StackEventQueue(),
        send=EventTopic(STACKS).send,
        trouble=BROKER_AWAY,
        passes_over=OF_DEPLOYMENTS,
    )
    return kafka, stacks


def lags(*, at: datetime) -> tuple[Lag, ...]:
    """Return what waits in each outbox that is configured."""
    return tuple(lag_of(outbox=outbox, at=at) for outbox in outboxes())


def become_publisher(*, outbox: Outbox[Any]) -> bool:
    """Try to become the one publisher of the outbox for as long as this database connection lives; return whether."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [outbox.lock])
        row = cursor.fetchone()
        mine = bool(row and row[0])
        if mine:
            # The database ends a connection that is silent for longer: who is stopped or cut off gives way.
            cursor.execute("SELECT set_config('idle_session_timeout', %s, false)", [f"{SILENT_SECONDS}s"])
    return mine


def publish_batch(*, outbox: Outbox[R], at: datetime) -> int:
    """Send the oldest events that are not out, then mark them; return how many there were."""
    return publish_next(outbox=outbox, at=at).number


def publish_next(*, outbox: Outbox[R], at: datetime) -> Published:
    """Send the oldest events that are not out, then mark them.

    When sending raises they stay unmarked. A crash before the mark sends them again: consumers drop repeats.
    """
    loop = _loop_of(outbox)
    waiting = outbox.queue.unpublished(but_not=loop.resting(), limit=BATCH)
    if not waiting.batch:
        return Published(number=0, leaves_more=False)
    sent = _send(waiting.batch, outbox=outbox, loop=loop)
    outbox.queue.mark_published(positions=sent, at=at)
    return Published(number=len(sent), leaves_more=bool(sent) and not waiting.is_all)


def leaves_some(*, outbox: Outbox[Any]) -> bool:
    """Tell whether an event failed by itself and is to be tried again."""
    return _loop_of(outbox).failing > 0


def _loop_of(outbox: Outbox[Any]) -> Isolation:
    return isolation(f"events to {outbox.name}")


def _send(batch: Sequence[tuple[int, R]], *, outbox: Outbox[R], loop: Isolation) -> list[int]:
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


def _send_each(batch: Sequence[tuple[int, R]], *, outbox: Outbox[R], loop: Isolation) -> list[int]:
    sent = []
    for position, record in batch:
        with loop.item(position, raising=outbox.trouble):
            outbox.send([record])
            sent.append(position)
    return sent


def lag_of(*, outbox: Outbox[R], at: datetime) -> Lag:
    """Return how many events wait to go out there, and for how long the oldest has waited."""
    oldest = outbox.queue.oldest_unpublished()
    return Lag(
        name=outbox.name,
        waiting=outbox.queue.count_unpublished(at_most=MAX_COUNTED),
        oldest=at - oldest if oldest else timedelta(0),
    )
