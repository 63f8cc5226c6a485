"""Certificates within a session: an agent asks for the next one, and comes back with it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import grpc
import structlog

from agents.contracts import runner_pb2
from agents.errors import CertificateRefused, NotCertified
from agents.pki.records import AgentCertificateData
from agents.services import authority
from agents.transport.agent_session import AgentSession, Ending
from agents.transport.intake.newest import Newest
from agents.transport.presented import Presented
from agents.transport.threads import DatabaseThreads
from agents.transport.trust.standing import CertificateWatch

logger = structlog.get_logger(__name__)
Call = grpc.aio.ServicerContext[Any, Any]

# One agent gets no more certificates than one in so many seconds.
PAUSE_SECONDS = 10.0
# Time to store it before the session ends. One that had not enough comes back with the former, and is asked again.
MOVE_SECONDS = 2.0
MOVED = Ending(grpc.StatusCode.ABORTED, "Come back with the renewed certificate.")
ENDED = Ending(grpc.StatusCode.UNAUTHENTICATED, "The agent's certificate has ended.")


class Renewal:
    """Of one session. Only the newest request is answered; then the agent is to come back with what it was given.

    So it is known to have it, and no session outlives the certificate that it was opened with.
    """

    def __init__(self, *, session: AgentSession, watch: CertificateWatch, threads: DatabaseThreads) -> None:
        self._session = session
        self._watch = watch
        self._threads = threads
        self._asked: Newest[bytes] = Newest(what="certificate", agent_id=str(session.agent_id))

    def take(self, message: runner_pb2.CertificateRequest) -> None:
        """Note what the agent asks for."""
        self._asked.put(message.request)

    async def drain(self) -> None:
        """Say whether a renewal is due, then answer requests until cancelled, one in PAUSE_SECONDS at most."""
        # After the registry knows the session: what changed before was not told to it.
        await self._watch.look_at(self._session)
        await self._asked.drain(self._answer)

    async def _answer(self, request: bytes) -> None:
        try:
            made = await self._threads.run(
                authority.renew, agent_id=self._session.agent_id, request=request, now=datetime.now(UTC)
            )
        except (CertificateRefused, NotCertified) as error:
            logger.warning("certificate refused", agent_id=str(self._session.agent_id), error=error.message)
        else:
            self._session.offer(runner_pb2.ToAgent(certificate=certificate_message(made)))
            logger.info("certificate renewed", agent_id=str(self._session.agent_id), serial=made.data.serial)
            if self._session.serial:
                asyncio.get_running_loop().call_later(MOVE_SECONDS, self._session.end, MOVED)
        await asyncio.sleep(PAUSE_SECONDS)


def certificate_message(made: AgentCertificateData) -> runner_pb2.AgentCertificate:
    return runner_pb2.AgentCertificate(
        certificate=made.certificate,
        authorities=made.authorities,
        issued_ms=int(datetime.now(UTC).timestamp() * 1000),
        valid_until_ms=int(made.data.valid_until.timestamp() * 1000),
    )


def end_with_certificate(*, session: AgentSession, presented: Presented | None) -> asyncio.TimerHandle | None:
    """Have the session end when its certificate does. Returns what to cancel when it ends earlier."""
    if presented is None:
        return None
    left = (presented.valid_until - datetime.now(UTC)).total_seconds()
    return asyncio.get_running_loop().call_later(max(left, 0.0), session.end, ENDED)
