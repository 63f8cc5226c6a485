"""The volumes on an agent's host as it tells them, stored; one per session."""

from __future__ import annotations

from agents.contracts import runner_pb2
from agents.reports.volumes import HostVolumes, VolumeSeen
from agents.transport.agent_session import AgentSession
from agents.transport.intake.newest import Newest
from agents.transport.ports import OnVolumes
from agents.transport.threads import DatabaseThreads
from agents.transport.wire.volumes import volumes_from_wire


class VolumeIntake:
    """Only the newest list is stored: each is whole, so those between need not be. Holds up no report."""

    def __init__(self, *, session: AgentSession, threads: DatabaseThreads, on_volumes: OnVolumes) -> None:
        self._session = session
        self._threads = threads
        self._on_volumes = on_volumes
        self._newest: Newest[tuple[VolumeSeen, ...]] = Newest(what="volumes", agent_id=str(session.agent_id))

    def take(self, message: runner_pb2.VolumesSeen) -> None:
        """Take in the next list, which replaces the one before."""
        self._newest.put(volumes_from_wire(message))

    async def drain(self) -> None:
        """Store the newest list whenever there is one, until cancelled."""
        await self._newest.drain(self._store)

    async def _store(self, volumes: tuple[VolumeSeen, ...]) -> None:
        seen = HostVolumes(agent_id=self._session.agent_id, session_id=self._session.session_id, volumes=volumes)
        await self._threads.run(self._on_volumes, seen=seen)
