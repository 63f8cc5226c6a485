"""What the channel layer brings, for all sockets of a process: one reader, each group joined once, each text made once.

A socket takes it from a mailbox of its own, so a client that does not read holds up no other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from channels.layers import get_channel_layer

from agents.backoff import Backoff
from agents.cancellation import cancel_until_ended

# A socket that is further behind drops all of it, and reads what the database has.
MAX_WAITING = 100
# Redis may have been emptied, and nobody is told.
RENEW_SECONDS = 25.0
RETRY = Backoff(first=0.5, most=5.0)

logger = structlog.get_logger(__name__)


class NewsKind(StrEnum):
    """WAKE: something was stored. ACCESS: a right may have ended. MISSED: anything may have happened."""

    WAKE = "wake"
    ACCESS = "access"
    MISSED = "missed"


@dataclass(frozen=True, kw_only=True)
class EventText:
    """An event, and the message that tells it."""

    deployment_id: str
    sequence: int
    text: str


@dataclass(frozen=True, kw_only=True)
class News:
    """A message of the channel layer; shared by all sockets that get it."""

    kind: NewsKind
    id: str = ""
    deployments: Sequence[str] = ()
    events: Sequence[EventText] = ()
    spans: Mapping[str, Sequence[int]] = field(default_factory=dict)


MISSED = News(kind=NewsKind.MISSED)


def event_text(event: Mapping[str, Any]) -> EventText:
    """Return the event, by its shape, with its message."""
    sequence = event["sequence"]
    text = json.dumps({"kind": "event", "sequence": sequence, "event": event})
    return EventText(deployment_id=event["deploymentId"], sequence=sequence, text=text)


def news_of(message: Mapping[str, Any]) -> News:
    """Return what a message of the channel layer says; MISSED where it is not understood."""
    if message.get("type") not in (NewsKind.WAKE, NewsKind.ACCESS):
        return MISSED
    return News(
        kind=NewsKind(message["type"]),
        id=message.get("id", ""),
        deployments=message.get("deployments", ()),
        events=[event_text(event) for event in message.get("events", ())],
        spans=message.get("spans", {}),
    )


class Mailbox:
    """What one socket has not taken yet, in order."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[News] = asyncio.Queue(MAX_WAITING)

    def put(self, news: News) -> None:
        if self._waiting.full():
            while not self._waiting.empty():
                self._waiting.get_nowait()
            news = MISSED
        self._waiting.put_nowait(news)

    async def take(self) -> News:
        return await self._waiting.get()


class Subscriptions:
    """The groups of an event loop's sockets. The reader lives for as long as anybody is subscribed."""

    def __init__(self) -> None:
        self._members: dict[str, set[Mailbox]] = {}
        self._changing = asyncio.Lock()
        self._channel = ""
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, group: str, mailbox: Mailbox) -> None:
        """Have the mailbox get what is sent to the group from now on. Raises what the layer raises."""
        async with self._changing:
            if not self._tasks:
                await self._begin()
            if not self._members.get(group):
                await _layer().group_add(group, self._channel)
            self._members.setdefault(group, set()).add(mailbox)

    async def leave(self, groups: Sequence[str], mailbox: Mailbox) -> None:
        """Undo `join`, also where it did not come to its end."""
        for group in groups:
            self._members.get(group, set()).discard(mailbox)
        async with self._changing:
            for group in groups:
                if group in self._members and not self._members[group]:
                    del self._members[group]
                    with suppress(Exception):
                        await _layer().group_discard(group, self._channel)
            if not self._members:
                ending, self._tasks = self._tasks, []
                await cancel_until_ended(ending)

    async def _begin(self) -> None:
        self._channel = await _layer().new_channel()
        self._tasks = [asyncio.create_task(self._read_always()), asyncio.create_task(self._renew_always())]

    async def _read_always(self) -> None:
        failures = 0
        while True:
            try:
                self._pass_on(await _layer().receive(self._channel))
                failures = 0
            except Exception:
                failures += 1
                logger.warning("live updates not read, retrying", exc_info=True)
                await asyncio.sleep(RETRY.pause(failures=failures))
                await self._begin_again()

    async def _begin_again(self) -> None:
        """Join all groups again after Redis was away, and have every socket look for what it missed."""
        with suppress(Exception):
            await self._join_all()
            for mailbox in {each for members in self._members.values() for each in members}:
                mailbox.put(MISSED)

    async def _renew_always(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._join_all()
            except Exception:
                logger.warning("groups of live updates not joined again, retrying", exc_info=True)

    async def _join_all(self) -> None:
        for group in tuple(self._members):
            async with self._changing:
                if group in self._members:
                    await _layer().group_add(group, self._channel)

    def _pass_on(self, message: Mapping[str, Any]) -> None:
        """Put it where its group's sockets take it; one of an older version, which names no group, concerns anybody."""
        group = message.get("group")
        if group is None:
            members, news = {each for some in self._members.values() for each in some}, MISSED
        else:
            members, news = self._members.get(group, set()), news_of(message)
        for mailbox in members:
            mailbox.put(news)


def _layer() -> Any:
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS names one"
    return layer


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Subscriptions] = WeakKeyDictionary()


def subscriptions() -> Subscriptions:
    """Return the subscriptions of the running event loop."""
    return _of_loops.setdefault(asyncio.get_running_loop(), Subscriptions())
