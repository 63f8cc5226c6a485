"""The Swarm of an agent's engine as it tells it, stored; one per session."""

from __future__ import annotations

from agents.contracts import runner_pb2
from agents.reports.swarm_seen import SwarmTold
from agents.transport.agent_session import AgentSession
from agents.transport.intake.newest import Newest
from agents.transport.ports import OnSwarm
from agents.transport.threads import DatabaseThreads
from agents.transport.wire.swarms import facts_from_wire, nodes_from_wire


class SwarmIntake:
    """Only the newest telling is stored: each is whole, so those between need not be. Holds up no report."""

    def __init__(self, *, session: AgentSession, threads: DatabaseThreads, on_swarm: OnSwarm) -> None:
        self._session = session
        self._threads = threads
        self._on_swarm = on_swarm
        self._newest: Newest[SwarmTold] = Newest(what="swarm", agent_id=str(session.agent_id))

    def take(self, message: runner_pb2.SwarmSeen) -> None:
        """Take in the next telling, which replaces the one before."""
        told = SwarmTold(
            agent_id=self._session.agent_id,
            session_id=self._session.session_id,
            facts=facts_from_wire(message),
            nodes=nodes_from_wire(message),
        )
        self._newest.put(told)

    async def drain(self) -> None:
        """Store the newest telling whenever there is one, until cancelled."""
        await self._newest.drain(self._store)

    async def _store(self, told: SwarmTold) -> None:
        await self._threads.run(self._on_swarm, told=told)
