"""A stack of two services that was proven as a newer agent proves it, and what its agent tells of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from agents.contracts.version import PROTOCOL
from agents.models import Agent
from agents.reports.observation import ContainerSeen, HostObserved
from agents.states import CommandOutcome
from agents.types import CommandFinished, ServiceObserved
from deployments.models import Project, StackDrift
from deployments.repositories.observation import stack_drifts
from deployments.rules.drift import Difference
from deployments.services.observation import record
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane

SETUP = {"key": "1:abc", "env": "e", "limits": "l", "networks": "n"}
SHOWN = {"limits": "Memory 64 MiB", "networks": "s_default"}


@dataclass
class Stage:
    """`changes` are those that somebody made on the server: by service, facts; None where it was removed."""

    lane: Lane
    session_id: UUID = field(default_factory=uuid4)
    changes: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def connect(self, *, protocol: int = PROTOCOL) -> None:
        Agent.objects.filter(pk=self.lane.agent.id).update(
            session_id=self.session_id, protocol=protocol, last_seen_at=timezone.now()
        )

    def deploy(self, **images: str) -> DeploymentRecord:
        self.lane.store_graph(**(images or {"web": "web:1", "db": "db:1"}))
        return self.prove(self.lane.start(self.lane.ask()))

    def prove(self, deployment: DeploymentRecord, *, started: bool | None = None) -> DeploymentRecord:
        """Report the success as the agent would, and tell of its host; what was renewed is as it was meant."""
        command = self.lane.command(deployment)
        renewed = set(command["restarts"])
        pinned = command["pinned_images"]
        services = []
        for state in factories.reload(deployment.id).services:
            before = self.seen(state.name)
            made = started if started is not None else (state.name in renewed or before is None)
            if made:
                self.changes.pop(state.name, None)
            there = self.seen(state.name) or self.container(state.name)
            services.append(
                ServiceObserved(
                    node_id=state.node_id,
                    service_name=state.name,
                    state="running",
                    health="healthy",
                    image_digest=pinned.get(state.name, f"sha256:{state.name}"),
                    replicas=state.replicas,
                    healthy_replicas=state.replicas,
                    container_ids=(there.id,),
                    settings=there.settings,
                    shown=there.shown,
                    started=made,
                )
            )
        finished = CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=tuple(services))
        ended = self.lane.report(deployment, finished)
        self.tell()
        return ended

    def container(self, service: str, **facts: Any) -> ContainerSeen:
        usual: dict[str, Any] = {
            "id": service.encode().hex(),
            "name": f"s-{service}-1",
            "stack_name": "s",
            "project_id": self.lane.project_id,
            "deployment_id": "",
            "node_id": f"n-{service}",
            "service_name": service,
            "image_id": f"sha256:{service}",
            "state": "running",
            "health": "healthy",
            "restarts_itself": True,
            "settings": SETUP,
            "shown": SHOWN,
        }
        return ContainerSeen(**{**usual, **facts})

    def seen(self, service: str) -> ContainerSeen | None:
        changes = self.changes.get(service, {})
        return None if changes is None else self.container(service, **changes)

    def tell(self, *strangers: ContainerSeen) -> None:
        services = [each.name for each in self.last().services]
        there = [seen for name in services if (seen := self.seen(name)) is not None]
        record.record_observation(
            observation=HostObserved(
                agent_id=self.lane.agent.id, session_id=self.session_id, containers=(*there, *strangers)
            )
        )

    def last(self) -> DeploymentRecord:
        row = stack_drifts.find(project_id=self.lane.project_id, server_id=self.lane.server.id)
        assert row is not None
        return factories.reload(row.deployment_id)

    def change(self, service: str, **facts: Any) -> None:
        """Somebody changes this on the server, and the agent tells it."""
        self.changes[service] = facts
        self.tell()

    def set_env(self, service: str) -> None:
        self.change(service, settings={**SETUP, "env": "other"})

    def remove(self, service: str) -> None:
        self.changes[service] = None
        self.tell()

    def put_back(self, service: str) -> None:
        self.changes.pop(service, None)
        self.tell()

    def drift(self) -> tuple[Difference, ...]:
        row = stack_drifts.find(project_id=self.lane.project_id, server_id=self.lane.server.id)
        return row.differences if row else ()

    def aspects(self) -> list[str]:
        return [each.key for each in self.drift()]

    def settings(self, **columns: Any) -> None:
        Project.objects.filter(pk=self.lane.project_id).update(**columns)

    def age(self, seconds: float) -> None:
        """Let time pass over what is stored of the stack."""
        gone = timedelta(seconds=seconds)
        row = StackDrift.objects.get()
        for name in ("due_at", "proven_at", "touched_at", "soak_until"):
            if (value := getattr(row, name)) is not None:
                setattr(row, name, value - gone)
        row.differences = [{**each, "since_ms": each["since_ms"] - int(seconds * 1000)} for each in row.differences]
        row.save()
