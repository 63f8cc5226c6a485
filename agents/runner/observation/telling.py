"""What of the observed containers a gateway is told in one session: everything first, then what changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import OBSERVING_PROTOCOL
from agents.reports.observation_digest import digest_of
from agents.runner.observation.observer import Observer

# A container is about 600 bytes on the wire, a message takes 512 KiB at most.
MAX_CONTAINERS_PER_PART = 200


class Telling:
    """Belongs to one session, whose numbers it counts. Pure."""

    def __init__(self) -> None:
        self._told: dict[str, pb.ContainerSeen] | None = None
        self._number = 0

    def start_again(self) -> None:
        """Start again: the gateway missed something."""
        self._told = None

    def news(self, seen: Mapping[str, pb.ContainerSeen], *, at_ms: int) -> Iterator[pb.Observation]:
        """Yield the messages that bring the gateway from what it was told to `seen`; none when it knows that."""
        told = self._told
        if told == seen:
            return
        changed = [container for key, container in seen.items() if told is None or told.get(key) != container]
        gone = [] if told is None else [key for key in told if key not in seen]
        self._told = dict(seen)
        yield from self._parts(changed, gone, whole=told is None, at_ms=at_ms)

    def _parts(
        self, changed: list[pb.ContainerSeen], gone: list[str], *, whole: bool, at_ms: int
    ) -> Iterator[pb.Observation]:
        size = MAX_CONTAINERS_PER_PART
        parts = [changed[start : start + size] for start in range(0, len(changed), size)] or [[]]
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            self._number += 1
            yield pb.Observation(
                number=self._number,
                whole=whole and index == 0,
                containers=part,
                gone_ids=gone if index == 0 else (),
                more=not last,
                digest=digest_of((self._told or {}).values()) if last else "",
                at_ms=at_ms,
            )


class ObservationSender:
    """Tells one gateway after the other what the observer sees. All methods but `wake` belong to the event loop."""

    def __init__(self, *, observer: Observer) -> None:
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._telling = Telling()

    def wake(self) -> None:
        """Look again: something else is seen than before. Safe across threads."""
        self._loop.call_soon_threadsafe(self._news.set)

    def start_again(self) -> None:
        """Send everything again: the gateway missed something."""
        self._telling.start_again()
        self._news.set()

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Send observations until cancelled, in a session with a gateway that speaks this protocol."""
        self._telling = Telling()
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            seen = self._observer.seen
            if seen is None or protocol < OBSERVING_PROTOCOL:
                continue
            for observation in self._telling.news(seen, at_ms=time.time_ns() // 1_000_000):
                await write(pb.FromAgent(observation=observation))
