"""A gateway as in production, in this process, and for each of several engines of our own an agent in its process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from agents.models import Agent as AgentRow
from agents.models import Cluster, Server
from agents.services import enrolment
from agents.swarm import SwarmRole
from agents.transport.grpc_server import Gateway
from axion_deploy.gateway_bindings import bindings
from deployments.data.cluster_types import ChangeRecord, ChangeState
from deployments.models import User
from deployments.repositories.clusters import cluster_changes
from deployments.types import Caller
from tests.agents.conftest import config
from tests.runner.conftest import Agent
from tests.servers.own_engines import OwnEngine, OwnEngines

# For the machine at its busiest.
SECONDS = 150.0
T = TypeVar("T")


class GatewayThread:
    """The gateway with its real bindings, on an event loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def start(self) -> None:
        self._thread.start()
        self._gateway = self._run(self._make())
        self.port = self._run(self._gateway.start())

    async def _make(self) -> Gateway:
        return Gateway(config=config(), bindings=bindings())

    def stop(self) -> None:
        self._run(self._gateway.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(60)


@dataclass(kw_only=True)
class Host:
    """A server with its engine and its agent."""

    engine: OwnEngine
    server: Server
    agent: Agent
    environment: dict[str, str]

    def start(self) -> None:
        self.agent.start(**self.environment)

    @property
    def row(self) -> AgentRow:
        return AgentRow.objects.active().get(server_id=self.server.pk)

    def role(self) -> str:
        """What the engine itself says."""
        said = self.engine.docker("info", "--format", "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}")
        state, manages = said.stdout.split()
        return {"active true": "manager", "active false": "worker"}.get(f"{state} {manages}", state)


class Scene:
    """One owner, one cluster, and the hosts by name."""

    def __init__(self, *, folder: Path, owner: User, engines: OwnEngines, port: int) -> None:
        self.owner = owner
        self.caller = Caller(user_id=owner.pk, name=owner.username)
        self.cluster = Cluster.objects.create(owner=owner, name="production")
        self.hosts = {
            name: self._host(folder / name, engine=engine, port=port) for name, engine in engines.servers.items()
        }

    def _host(self, folder: Path, *, engine: OwnEngine, port: int) -> Host:
        folder.mkdir(parents=True)
        server = Server.objects.create(owner=self.owner, name=engine.name)
        token = enrolment.create_token(server_id=server.pk, owner_id=self.owner.pk).token
        environment = {
            "AXION_AGENT__AGENT__TOKEN": token,
            "AXION_AGENT__AGENT__SERVER_ID": str(server.pk),
            "DOCKER_HOST": engine.host,
        }
        agent = Agent(state_dir=folder / "state", port=port, log_file=folder / "agent.log")
        return Host(engine=engine, server=server, agent=agent, environment=environment)

    def start(self) -> None:
        """Start all agents; returns when each has told that its engine is in no swarm."""
        for host in self.hosts.values():
            host.start()
        for name in self.hosts:
            self.until_told(name, SwarmRole.NONE)

    def stop(self) -> None:
        for host in self.hosts.values():
            if host.agent.process is not None and host.agent.process.poll() is None:
                host.agent.terminate()

    def until_told(self, name: str, role: SwarmRole) -> dict[str, Any]:
        """What the server's agent told, once it is this role."""
        host = self.hosts[name]

        def told() -> dict[str, Any] | None:
            row = AgentRow.objects.active().filter(server_id=host.server.pk).first()
            return row.swarm if row is not None and row.swarm and row.swarm["role"] == role else None

        return until(told, what=f"{name} as {role}")

    def ended(self, *changes: ChangeRecord) -> list[ChangeRecord]:
        """The changes once all of them have ended, as all of these must: done."""

        def found() -> list[ChangeRecord] | None:
            now = [cluster_changes.find(change_id=each.id) for each in changes]
            ended = [each for each in now if each is not None and not each.is_open]
            return ended if len(ended) == len(changes) else None

        try:
            return until(found, what=f"the end of {[str(each.kind) for each in changes]}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {[cluster_changes.find(change_id=each.id) for each in changes]}") from error

    def done(self, *changes: ChangeRecord) -> None:
        for change in self.ended(*changes):
            assert change.state is ChangeState.DONE, (change.kind, change.state, change.message)


def until(look: Callable[[], T | None], *, what: str, seconds: float = SECONDS) -> T:
    """The first answer that is true, asked for again until the deadline."""
    give_up_at = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up_at, f"waited {seconds} s for {what}"
        time.sleep(0.05)
    return found


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> Any:
    return uuid4()
