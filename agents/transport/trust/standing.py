"""What becomes of open sessions and calls when other authorities are trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress

import grpc
import structlog

from agents.contracts import runner_pb2
from agents.contracts.version import CERTIFICATES_PROTOCOL
from agents.db_errors import DATABASE_AWAY
from agents.services import authority
from agents.services.authority import Standing
from agents.transport.agent_session import AgentSession, Ending
from agents.transport.callers import Callers
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads
from agents.transport.trust.open_calls import OpenCalls

logger = structlog.get_logger(__name__)

# A notification may be lost.
LOOK_SECONDS = 30.0
RETRY_SECONDS = 1.0
UNTRUSTED = Ending(grpc.StatusCode.UNAUTHENTICATED, "The agent's certificate is trusted no more.")


class CertificateWatch:
    """Of one gateway process; lives on the event loop."""

    def __init__(
        self, *, registry: SessionRegistry, open_calls: OpenCalls, callers: Callers, threads: DatabaseThreads
    ) -> None:
        self._registry = registry
        self._open_calls = open_calls
        self._callers = callers
        self._threads = threads
        self._due = asyncio.Event()

    def look(self) -> None:
        """Look soon at what is open; whoever calls meanwhile is asked about anew."""
        self._callers.distrust()
        self._due.set()

    async def look_when_due(self) -> None:
        """Wait for news, and end what is open with a certificate that is trusted no more, on this process.

        Whose certificate is of the former authority is asked to renew it.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._due.wait()
        self._due.clear()
        try:
            await self._judge(self._registry.sessions(), self._open_calls.serials())
        except DATABASE_AWAY as error:
            logger.warning("database unavailable, retrying", what="certificates", error=str(error).strip())
            self._due.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def look_at(self, session: AgentSession) -> None:
        """Look at a session that has just begun."""
        with suppress(*DATABASE_AWAY):
            await self._judge([session], frozenset())

    async def _judge(self, sessions: Collection[AgentSession], of_calls: frozenset[str]) -> None:
        serials = {session.serial for session in sessions if session.serial} | of_calls
        if not serials:
            return
        standings = await self._threads.run(authority.standings, serials=serials)
        over = frozenset(serial for serial, standing in standings.items() if standing is Standing.OVER)
        self._open_calls.cut_with(serials=over & of_calls)
        for session in sessions:
            standing = standings.get(session.serial, Standing.GOOD)
            if standing is Standing.OVER:
                logger.warning("session ended: its certificate is trusted no more", agent_id=str(session.agent_id))
                session.end(UNTRUSTED)
            elif standing is Standing.RENEW and session.hello.protocol >= CERTIFICATES_PROTOCOL:
                session.offer(runner_pb2.ToAgent(renew_certificate=runner_pb2.RenewCertificate()))
