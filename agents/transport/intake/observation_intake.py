"""What an agent sees of its host, put together from whole looks and changes; one per session."""

from __future__ import annotations

import time
from collections.abc import Callable

from agents.contracts import runner_pb2
from agents.reports.observation import HostObserved
from agents.reports.observation_digest import digest_of
from agents.transport.agent_session import AgentSession
from agents.transport.intake.newest import Newest
from agents.transport.ports import OnObserved
from agents.transport.threads import DatabaseThreads
from agents.transport.wire.observations import MAX_OBSERVED, bound_observation, container_from_wire

# How often an agent is asked to tell everything once more, whatever it says.
ASK_AGAIN_SECONDS = 10.0


class ObservationIntake:
    """Only the newest picture is stored: it is whole, so those between need not be. Holds up no report."""

    def __init__(
        self,
        *,
        session: AgentSession,
        threads: DatabaseThreads,
        on_observed: OnObserved,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._threads = threads
        self._on_observed = on_observed
        self._clock = clock
        self._number = 0
        self._in_step = False
        self._containers: dict[str, runner_pb2.ContainerSeen] = {}
        self._newest: Newest[tuple[runner_pb2.ContainerSeen, ...]] = Newest(
            what="observation", agent_id=str(session.agent_id)
        )
        self._asked_at: float | None = None

    def take(self, message: runner_pb2.Observation) -> None:
        """Take in the next message. One that was missed, or a digest that is not ours, has everything told again."""
        bound_observation(message)
        follows = message.number == self._number + 1
        self._number = message.number
        if message.whole:
            self._containers, self._in_step = {}, True
        elif not follows:
            self._in_step = False
        if not self._in_step:
            self._ask_again()
            return
        for container_id in message.gone_ids:
            self._containers.pop(container_id, None)
        self._containers.update((container.id, container) for container in message.containers)
        if message.more:
            return
        if digest_of(self._containers.values()) != message.digest or len(self._containers) > MAX_OBSERVED:
            self._in_step = False
            self._ask_again()
            return
        self._newest.put(tuple(self._containers.values()))

    def _ask_again(self) -> None:
        now = self._clock()
        if self._asked_at is None or now - self._asked_at >= ASK_AGAIN_SECONDS:
            self._asked_at = now
            self._session.offer(runner_pb2.ToAgent(observe_again=runner_pb2.ObserveAgain()))

    async def drain(self) -> None:
        """Store the newest picture whenever there is one, until cancelled."""
        await self._newest.drain(self._store)

    async def _store(self, complete: tuple[runner_pb2.ContainerSeen, ...]) -> None:
        observed = HostObserved(
            agent_id=self._session.agent_id,
            session_id=self._session.session_id,
            containers=tuple(container_from_wire(container) for container in complete),
        )
        await self._threads.run(self._on_observed, observed=observed)
