"""The containers whose lines somebody asked for, as far as they may be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.swarm.swarm_model import NAMESPACE
from agents.runner.docker.our_containers import OurContainers
from agents.runner.logs.lines import Source
from agents.runner.logs.values import LogMasking
from agents.runner.planning.model import (
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    LABEL_DEPLOYMENT,
    LABEL_LANE,
    LABEL_PROJECT,
    LABEL_SERVICE,
)

MAX_CONTAINERS = 100
TOO_MANY = f"More than {MAX_CONTAINERS} containers: only the first {MAX_CONTAINERS} are read. Name a service."


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A container whose lines may be read."""

    source: Source
    inspected: Mapping[str, Any]

    @property
    def framed(self) -> bool:
        return not self.inspected["Config"].get("Tty")


class LogSources:
    """Finds containers for one request. Reads only; raises EngineAwayError."""

    def __init__(
        self, *, request: pb.ReadLogs, containers: OurContainers, masking: LogMasking, say: Callable[[str], None]
    ) -> None:
        self._request = request
        self._containers = containers
        self._masking = masking
        self._say = say

    def find(self) -> list[Found]:
        """Return the containers that are asked for and whose secret values can be masked."""
        request = self._request
        found: list[Found] = []
        for entry in self._containers.list():
            labels = entry.get("Labels") or {}
            service = labels.get(COMPOSE_SERVICE, "") or labels.get(LABEL_SERVICE, "")
            if labels.get(LABEL_PROJECT) != request.project_id or labels.get(LABEL_LANE, "") not in ("", request.lane):
                continue
            if request.services and service not in request.services:
                continue
            if len(found) == MAX_CONTAINERS:
                self._say(TOO_MANY)
                break
            name = entry["Names"][0].lstrip("/")
            if not self._may_tell(labels, service, name):
                continue
            inspected = self._containers.inspect(entry["Id"])
            if inspected is not None:
                source = Source(container_id=entry["Id"], service=service, name=name)
                found.append(Found(source=source, inspected=inspected))
        return found

    def _may_tell(self, labels: Mapping[str, str], service: str, name: str) -> bool:
        stack = labels.get(COMPOSE_PROJECT, "") or labels.get(NAMESPACE, "")
        known = self._masking.learn(stack=stack, service=service, deployment_id=labels.get(LABEL_DEPLOYMENT, ""))
        if not known:
            self._say(f"{name} is left out: the secret values that would have to be masked in it cannot be had.")
        return known
