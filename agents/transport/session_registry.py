"""Which agents are connected to this process, and the loop that brings them their commands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Set as AbstractSet
from contextlib import suppress
from uuid import UUID

import structlog

from agents.claim import BrokenCommand
from agents.contracts import runner_pb2
from agents.db_errors import DATABASE_AWAY
from agents.services import command_delivery
from agents.transport.agent_session import REPLACED, AgentSession, Ending
from agents.transport.threads import DatabaseThreads
from agents.transport.undeliverable import UndeliverableCommands, command_message
from agents.transport.wire.hellos import not_understood
from agents.types import CommandData

logger = structlog.get_logger(__name__)

# Without news for as long, what is still open was sent so often that its next turn comes in minutes.
CALM_AFTER = 60.0
CALM_POLLS = 5
# Less than the room every session with room has, so that one claim can never overflow one of them.
MAX_CLAIMED_COMMANDS = 100


class SessionRegistry:
    """One live session per agent. Lives on the event loop."""

    def __init__(self, *, threads: DatabaseThreads, poll_seconds: float, undeliverable: UndeliverableCommands) -> None:
        self._undeliverable = undeliverable
        self._threads = threads
        self._poll_seconds = poll_seconds
        self._sessions: dict[UUID, AgentSession] = {}
        self._due = asyncio.Event()
        # For whom something may be due; None for everybody.
        self._woken: set[UUID] | None = set()
        self._woken_at = time.monotonic()
        self._asked_for_all_at = 0.0

    def add(self, session: AgentSession) -> None:
        """Serve this session; an older one of the same agent is ended."""
        older = self._sessions.get(session.agent_id)
        self._sessions[session.agent_id] = session
        if older is not None:
            older.end(REPLACED)
        self.wake(agent_id=session.agent_id)

    def remove(self, session: AgentSession) -> None:
        """Forget this session, unless a newer one took its place."""
        if self._sessions.get(session.agent_id) is session:
            del self._sessions[session.agent_id]

    def sessions(self) -> tuple[AgentSession, ...]:
        return tuple(self._sessions.values())

    def session_of(self, *, agent_id: UUID) -> AgentSession | None:
        return self._sessions.get(agent_id)

    def wake(self, *, agent_id: UUID | None = None) -> None:
        """Look for due commands now; for an agent that is connected elsewhere nothing happens."""
        if agent_id is not None and agent_id not in self._sessions:
            return
        if agent_id is None:
            self._woken = None
        elif self._woken is not None:
            self._woken.add(agent_id)
        self._woken_at = time.monotonic()
        self._due.set()

    def end_all(self, ending: Ending) -> None:
        for session in self.sessions():
            session.end(ending)

    async def deliver_when_due(self) -> None:
        """Wait to be woken, at most one poll interval, and deliver once; a longer one when it has long been quiet."""
        # The time-out is the safety poll: a notification may have been lost.
        # Not wait_for: before Python 3.12 it can swallow the cancellation that stops this loop.
        woken = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause()):
                await self._due.wait()
            # However many are woken one by one, all are asked for as often as without them.
            late = time.monotonic() - self._asked_for_all_at >= self._pause()
            woken = None if late else self._woken
        self._due.clear()
        self._woken = set()
        try:
            await self._deliver(woken)
        except DATABASE_AWAY as error:
            logger.warning("database unavailable, retrying", what="commands", error=str(error).strip())
            self._woken = None
            await asyncio.sleep(self._poll_seconds)

    def _pause(self) -> float:
        calm = time.monotonic() - self._woken_at >= CALM_AFTER
        return self._poll_seconds * (CALM_POLLS if calm else 1)

    async def _deliver(self, woken: AbstractSet[UUID] | None) -> None:
        """Deliver what is due for these agents, or for everybody, which is dear at a thousand."""
        if woken is None:
            self._asked_for_all_at = time.monotonic()
        agents = self._sessions.keys() if woken is None else woken & self._sessions.keys()
        with_room = [session.session_id for each in agents if (session := self._sessions[each]).has_room]
        if not with_room:
            return
        due = await self._threads.run(command_delivery.claim_due, session_ids=with_room, limit=MAX_CLAIMED_COMMANDS)
        if due.more:
            self._woken = None if woken is None or self._woken is None else self._woken | woken
            self._due.set()
        broken = [*due.broken]
        for command in due.commands:
            message = self._message_for(command)
            if isinstance(message, BrokenCommand):
                broken.append(message)
            else:
                self._offer(command, message)
        for undelivered in broken:
            await self._undeliverable.fail(undelivered)

    def _message_for(self, command: CommandData) -> runner_pb2.ToAgent | BrokenCommand:
        """Return the message; what the agent would leave out or misread is not sent at all."""
        session = self._sessions.get(command.agent_id)
        why = not_understood(session.hello, kind=command.kind, command=command.command) if session else ""
        return BrokenCommand(id=command.id, agent_id=command.agent_id, why=why) if why else command_message(command)

    def _offer(self, command: CommandData, message: runner_pb2.ToAgent) -> None:
        """Queue the message for the agent's present session."""
        # By agent, not by the session of the claim: a newer session must not get later numbers first.
        session = self._sessions.get(command.agent_id)
        if session is not None:
            session.learn(command_id=command.id, deployment_id=command.deployment_id)
            session.offer(message)
