"""The volumes on an agent's host as it tells them, stored; one per session."""

from __future__ import annotations

import asyncio

import structlog

from agents.backoff import Backoff
from agents.contracts import runner_pb2
from agents.db_errors import DATABASE_AWAY
from agents.reports.volumes import HostVolumes, VolumeSeen
from agents.transport.agent_session import AgentSession
from agents.transport.ports import OnVolumes
from agents.transport.threads import DatabaseThreads
from agents.transport.wire.volumes import volumes_from_wire

logger = structlog.get_logger(__name__)
RETRY = Backoff(first=0.5, most=10.0)


class VolumeIntake:
    """Only the newest list is stored: each is whole, so those between need not be. Holds up no report."""

    def __init__(self, *, session: AgentSession, threads: DatabaseThreads, on_volumes: OnVolumes) -> None:
        self._session = session
        self._threads = threads
        self._on_volumes = on_volumes
        self._newest: tuple[VolumeSeen, ...] = ()
        self._news = asyncio.Event()

    def take(self, message: runner_pb2.VolumesSeen) -> None:
        """Take in the next list, which replaces the one before."""
        self._newest = volumes_from_wire(message)
        self._news.set()

    async def drain(self) -> None:
        """Store the newest list whenever there is one, until cancelled."""
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            seen = HostVolumes(
                agent_id=self._session.agent_id, session_id=self._session.session_id, volumes=self._newest
            )
            try:
                await self._threads.run(self._on_volumes, seen=seen)
                failures = 0
            except DATABASE_AWAY:
                failures += 1
                logger.warning("database unavailable, retrying", agent_id=str(self._session.agent_id))
                self._news.set()
                await asyncio.sleep(RETRY.pause(failures=failures))
            except Exception:  # the next change brings another list; the session goes on
                logger.exception("volumes not stored", agent_id=str(self._session.agent_id))
