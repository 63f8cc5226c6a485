"""Which secret values the lines of a container may hold. What cannot be masked is not told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agents.runner.control_plane.masker import Masker
from agents.runner.journal.releases import Releases

# Return the deployment's values, or None where they are refused.
ValuesOf = Callable[[str], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What runs of a stack: the deployment that was proven last, and by service the one by whose file it runs."""

    deployment: str
    owners: Mapping[str, str]


# Return what runs of a stack in this host's Swarm; None where that is none, or this host is no manager of it.
InSwarm = Callable[[str], Running | None]


def in_no_swarm(stack: str) -> Running | None:
    """Return that nothing is known."""
    del stack
    return None


class LogMasking:
    """Learns the values of each deployment when a container of it is first read. Safe across threads."""

    def __init__(self, *, releases: Releases, values_of: ValuesOf, in_swarm: InSwarm = in_no_swarm) -> None:
        self.masker = Masker()
        self._releases = releases
        self._values_of = values_of
        self._in_swarm = in_swarm
        self._holders: dict[tuple[str, str, str], str] = {}
        self._turn = threading.Lock()
        self._known: dict[str, bool] = {}

    def learn(self, *, stack: str, service: str, deployment_id: str) -> bool:
        """Learn what a container of this deployment may write; False when its values cannot be had."""
        container = (stack, service, deployment_id)
        with self._turn:
            source = self._holders.get(container, "")
        # Asked outside the turn: in a Swarm it may take a moment.
        source = source or self._holder(stack=stack, service=service, deployment_id=deployment_id)
        if not source:
            return False
        with self._turn:
            self._holders[container] = source
            if source not in self._known:
                self._known[source] = self._learn(source)
            return self._known[source]

    def _holder(self, *, stack: str, service: str, deployment_id: str) -> str:
        """Return the deployment that holds the container's values: what runs, also for what it left as it was."""
        current = self._releases.current(stack)
        record = self._releases.find(current) if current else None
        runs = Running(deployment=current, owners=record.target.owners) if record else self._in_swarm(stack)
        left_alone = runs is not None and runs.owners.get(service) == deployment_id
        return runs.deployment if runs is not None and left_alone else deployment_id

    def _learn(self, deployment_id: str) -> bool:
        record = self._releases.find(deployment_id)
        if record is not None and not record.release.variable_names:
            return True
        values = self._values_of(deployment_id)
        if values is None:
            return False
        self.masker.learn(values.values())
        return True
