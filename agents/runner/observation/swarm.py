"""Watches which Swarm the engine is in, and its nodes where it is a manager, so that the control plane knows both."""

from __future__ import annotations

from collections.abc import Callable

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import CLUSTERS_PROTOCOL
from agents.runner.docker.events import Watch
from agents.runner.docker.swarm import EngineSwarm
from agents.runner.observation.watching import Teller, Watcher, dated

SwarmSender = Teller[pb.SwarmSeen]


class SwarmWatch(Watcher[pb.SwarmSeen]):
    """Of one engine."""

    name = "swarm"
    # No event tells that an engine joined, left, lost its quorum or has another leader.
    look_seconds = 3.0
    settle_seconds = 0.3

    def __init__(self, *, swarm: EngineSwarm, wake: Callable[[], None]) -> None:
        super().__init__(wake=wake)
        self._swarm = swarm

    def _events(self, wake: Callable[[], None]) -> Watch:
        return self._swarm.watch(wake=wake)

    def look(self) -> None:
        """Look once; wake whoever tells it when it is not as it was."""
        self._take(self._swarm.look())


def swarm_sender(watch: SwarmWatch) -> SwarmSender:
    """Return what tells it. Inside the running loop."""
    return Teller(watcher=watch, protocol=CLUSTERS_PROTOCOL, message=_message)


def _message(seen: pb.SwarmSeen) -> pb.FromAgent:
    return pb.FromAgent(swarm=dated(seen))
