"""Certificates within a session: an agent asks for the next one, the gateway says when another authority signs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import grpc
import structlog

from agents.contracts import runner_pb2
from agents.contracts.version import CERTIFICATES_PROTOCOL
from agents.db_errors import DATABASE_AWAY
from agents.errors import CertificateRefused, NotCertified
from agents.pki.records import AgentCertificateData
from agents.services import authority
from agents.transport.agent_session import AgentSession, Ending
from agents.transport.intake.newest import Newest
from agents.transport.presented import Presented
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads

logger = structlog.get_logger(__name__)
Call = grpc.aio.ServicerContext[Any, Any]

# One agent gets no more certificates than one in so many seconds.
PAUSE_SECONDS = 10.0
ENDED = Ending(grpc.StatusCode.UNAUTHENTICATED, "The agent's certificate has ended.")


class Renewal:
    """Of one session. Only the newest request is answered."""

    def __init__(self, *, session: AgentSession, threads: DatabaseThreads) -> None:
        self._session = session
        self._threads = threads
        self._asked: Newest[bytes] = Newest(what="certificate", agent_id=str(session.agent_id))

    def take(self, message: runner_pb2.CertificateRequest) -> None:
        """Note what the agent asks for."""
        self._asked.put(message.request)

    async def drain(self) -> None:
        """Say whether a renewal is due, then answer requests until cancelled, one in PAUSE_SECONDS at most."""
        if self._session.certified:
            with suppress(*DATABASE_AWAY):
                await ask_to_renew(session=self._session, threads=self._threads)
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


async def ask_to_renew(*, session: AgentSession, threads: DatabaseThreads) -> None:
    """Ask the agent for a request where another authority signs by now."""
    if await threads.run(authority.needs_renewal, agent_id=session.agent_id):
        ask_one(session)


def ask_all(registry: SessionRegistry) -> None:
    """Ask every connected agent that has a certificate to renew it."""
    for session in registry.sessions():
        ask_one(session)


def ask_one(session: AgentSession) -> None:
    if session.certified and session.hello.protocol >= CERTIFICATES_PROTOCOL:
        session.offer(runner_pb2.ToAgent(renew_certificate=runner_pb2.RenewCertificate()))
