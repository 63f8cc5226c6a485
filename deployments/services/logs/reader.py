"""Read what agents answer: the past of all servers, merged by time, then what comes. Touches no database."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import structlog
from redis.exceptions import RedisError

from deployments.data.log_types import LogPart, LogSource, OpenedLogs, ShownLine
from deployments.errors import PeerFailed
from deployments.log_relay import Answered, RelayedLines

RENEW_SECONDS = 5.0
# Until an agent says that it reads, and until it has told the past.
ANSWER_SECONDS = 5.0
PAST_SECONDS = 30.0
# An agent that is there says so every few seconds, also while nothing is written.
SILENT_SECONDS = 20.0
# Which is as long as lines of several servers are held so that they come by time.
POP_SECONDS = 1.0
MAX_JOINED = 20
LOST = "Reading was interrupted: Redis lost the request. Start again."

logger = structlog.get_logger(__name__)
Clock = Callable[[], float]


async def read(opened: OpenedLogs, *, clock: Clock = time.monotonic) -> AsyncGenerator[LogPart, None]:
    """Yield the past, in one part that ends it, and whoever follows what comes, until all agents have ended.

    Renews the request meanwhile; close the generator and the agents stop. Raises PeerFailed when Redis fails.
    """
    if not opened.sources:
        yield LogPart(remarks=opened.remarks, caught_up=True)
        return
    lines = RelayedLines(request_id=opened.request.request_id)
    reading = _Reading(opened=opened, relayed=lines, clock=clock)
    try:
        yield await reading.past()
        if opened.request.follow:
            async for part in reading.following():
                yield part
    except RedisError as error:
        logger.warning("redis unavailable", what="logs", error=str(error))
        raise PeerFailed(LOST) from error
    finally:
        with contextlib.suppress(RedisError):
            await asyncio.shield(lines.close())


async def read_past(opened: OpenedLogs) -> LogPart:
    """Return what was written by now. Raises PeerFailed."""
    async with contextlib.aclosing(read(opened)) as parts:
        return await anext(parts)


class _Reading:
    def __init__(self, *, opened: OpenedLogs, relayed: RelayedLines, clock: Clock) -> None:
        self._opened = opened
        self._relayed = relayed
        self._clock = clock
        self._began = self._renewed = clock()
        self._heard: dict[int, float] = {}
        self._caught_up: set[int] = set()
        self._over: set[int] = set()

    async def past(self) -> LogPart:
        lines: list[ShownLine] = []
        remarks = [*self._opened.remarks]
        left_out = 0
        while waited_for := self._running - self._caught_up:
            waited = self._clock() - self._began
            if waited > PAST_SECONDS or (waited > ANSWER_SECONDS and not waited_for & self._heard.keys()):
                break
            for answered in await self._next():
                lines += self._shown(answered)
                remarks += self._remarks(answered)
                left_out += answered.batch.left_out
            lines = sorted(lines, key=_moment)[-max(1, self._opened.request.tail) :]
        remarks += [self._silent(self._opened.sources[each], each) for each in sorted(waited_for)]
        newest = lines if self._opened.request.tail else []
        return LogPart(lines=tuple(newest), left_out=left_out, remarks=tuple(remarks), caught_up=True)

    async def following(self) -> AsyncIterator[LogPart]:
        while self._running:
            answers = await self._next()
            lines = [line for answered in answers for line in self._shown(answered)]
            remarks = [remark for answered in answers for remark in self._remarks(answered)]
            remarks += self._newly_silent()
            left_out = sum(answered.batch.left_out for answered in answers)
            if lines or remarks or left_out:
                yield LogPart(lines=tuple(sorted(lines, key=_moment)), left_out=left_out, remarks=tuple(remarks))

    async def _next(self) -> list[Answered]:
        """Return what is there, or comes within a second; renew the request when it is time to."""
        if self._clock() - self._renewed > RENEW_SECONDS:
            self._renewed = self._clock()
            if not await self._relayed.renew():
                raise PeerFailed(LOST)
        answers = []
        answered = await self._relayed.pop(seconds=POP_SECONDS)
        while answered is not None:
            answers.append(answered)
            self._note(answered)
            answered = await self._relayed.pop_now() if len(answers) < MAX_JOINED else None
        return answers

    def _note(self, answered: Answered) -> None:
        self._heard[answered.source] = self._clock()
        if answered.batch.caught_up:
            self._caught_up.add(answered.source)
        if answered.batch.over:
            self._over.add(answered.source)

    def _shown(self, answered: Answered) -> list[ShownLine]:
        server = self._opened.sources[answered.source].server_name
        return [
            ShownLine(
                at_ns=line.at_ns,
                server=server,
                service=line.service,
                container=line.container,
                text=line.text,
                is_error_stream=line.is_error_stream,
            )
            for line in answered.batch.lines
        ]

    def _remarks(self, answered: Answered) -> list[str]:
        source = self._opened.sources[answered.source]
        remarks = [f"{source.server_name}: {remark}" for remark in answered.batch.remarks]
        if answered.batch.over and self._opened.request.follow:
            remarks.append(f"{source.server_name}: its agent tells no more.")
        return remarks

    def _newly_silent(self) -> list[str]:
        """Return what to say of those that are not heard any more, and wait for them no longer."""
        now = self._clock()
        gone = {each for each in self._running if now - self._heard.get(each, self._began) > SILENT_SECONDS}
        self._over |= gone
        return [f"{self._opened.sources[each].server_name}: its agent is not heard any more." for each in sorted(gone)]

    @property
    def _running(self) -> set[int]:
        return set(range(len(self._opened.sources))) - self._over

    def _silent(self, source: LogSource, number: int) -> str:
        if number in self._heard:
            return f"{source.server_name}: its agent has not told everything within {PAST_SECONDS:g} s."
        return f"{source.server_name}: its agent did not answer within {ANSWER_SECONDS:g} s."


def _moment(line: ShownLine) -> int:
    return line.at_ns
