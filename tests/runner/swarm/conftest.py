"""Three servers that are one Swarm, an agent on each of the managers, and a project to deploy there."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import PROTOCOL
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.swarm.stacks import SwarmStack
from tests.servers.own_docker import missing
from tests.servers.own_engines import OwnEngine, OwnEngines, own_engines

NAMES = ("server-1", "server-2", "server-3")
SETTLE_SECONDS = 90


@dataclass(frozen=True)
class Cluster:
    """Two managers and a worker would have no quorum without one of them, so all three are managers."""

    engines: OwnEngines

    @property
    def servers(self) -> list[OwnEngine]:
        return list(self.engines.servers.values())

    def ask(self, *arguments: str, by: int = 0) -> str:
        done = self.servers[by].docker(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tasks(self, stack: SwarmStack, *, by: int = 0) -> dict[str, list[dict[str, Any]]]:
        """The stack's tasks that are meant to run, by service, as this manager's engine tells them."""
        with self.servers[by].client() as api:
            label = {"label": f"com.docker.stack.namespace={stack.name}"}
            names = {each["ID"]: each["Spec"]["Name"].removeprefix(f"{stack.name}_") for each in api.services(label)}
            found: dict[str, list[dict[str, Any]]] = {name: [] for name in names.values()}
            for task in api.tasks(label):
                if task["DesiredState"] == "running" and task["ServiceID"] in names:
                    found[names[task["ServiceID"]]].append(task)
        return found

    def ids(self, stack: SwarmStack, *, by: int = 0) -> dict[str, set[str]]:
        return {name: {task["ID"] for task in tasks} for name, tasks in self.tasks(stack, by=by).items()}

    def nodes(self, *, by: int = 0) -> list[dict[str, Any]]:
        with self.servers[by].client() as api:
            return list(api.nodes())

    def states(self, *, by: int = 0) -> dict[str, str]:
        listed = self.ask("node", "ls", "--format", "{{.Hostname}} {{.Status}}", by=by)
        return dict(line.split() for line in listed.splitlines())

    def configs(self, *, by: int = 0) -> set[str]:
        return set(self.ask("config", "ls", "--format", "{{.Name}}", by=by).split())

    def constraints(self, stack: SwarmStack, service: str) -> list[str]:
        told = json.loads(self.ask("service", "inspect", f"{stack.name}_{service}"))
        return list(told[0]["Spec"]["TaskTemplate"]["Placement"].get("Constraints") or ())

    def volumes(self, stack: SwarmStack) -> int:
        """How many volumes of the stack there are, on all servers."""
        listed = ("volume", "ls", "--quiet", "--filter", f"name={stack.name}_")
        return sum(len(self.ask(*listed, by=number).split()) for number in range(len(self.servers)))

    def variables(self, stack: SwarmStack, service: str) -> dict[str, str]:
        told = json.loads(self.ask("service", "inspect", f"{stack.name}_{service}"))
        return dict(each.split("=", 1) for each in told[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"])


def wait_until(condition: Callable[[], Any], *, what: str, seconds: float = SETTLE_SECONDS) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def cluster(base_image: str) -> Iterator[Cluster]:
    if lacking := missing():
        pytest.skip(f"engines of one's own need {lacking}")
    with own_engines(*NAMES) as engines:
        first, *others = engines.servers.values()
        with ThreadPoolExecutor(len(NAMES)) as pool:
            list(pool.map(lambda each: each.copy_images(base_image), engines.servers.values()))
        made = Cluster(engines)
        made.ask("swarm", "init", "--advertise-addr", first.address)
        token = made.ask("swarm", "join-token", "--quiet", "manager").strip()
        for number, _ in enumerate(others, 1):
            made.ask("swarm", "join", "--token", token, f"{first.address}:2377", by=number)
        wait_until(lambda: list(made.states().values()) == ["Ready"] * len(NAMES), what="three ready nodes")
        yield made
        for server in made.servers:
            # Ended well, each would end its containers first.
            server.kill()


@dataclass
class Manned:
    """The agent of one of the servers, and the gateway that it serves."""

    gateway: TestGateway
    agent: Agent

    def finds(self, text: str) -> list[str]:
        """Where the text stands: in files of the agent, in its log, in what it told."""
        folder = self.agent.state_dir.parent
        found = [str(each) for each in folder.rglob("*") if each.is_file() and text.encode() in each.read_bytes()]
        told = [name for name in self.gateway.reports if text in self.gateway.log(name)]
        return found + told

    def seen(self, stack: SwarmStack, wanted: Callable[[pb.TasksSeen], Any], *, what: str) -> pb.TasksSeen:
        """What was told last of the stack's tasks and services alone, once it is so."""

        def newest() -> pb.TasksSeen | None:
            told = next(iter(self.gateway.tasks[-1:]), pb.TasksSeen())
            mine = pb.TasksSeen(
                swarm_id=told.swarm_id,
                tasks=[each for each in told.tasks if each.project_id == stack.project_id],
                services=[each for each in told.services if each.project_id == stack.project_id],
            )
            return mine if wanted(mine) else None

        found: pb.TasksSeen = self.gateway.until(newest, what=what, seconds=SETTLE_SECONDS)
        return found


@pytest.fixture
def man_on(tmp_path: Path) -> Iterator[Callable[..., Manned]]:
    """Start an agent on a server of a cluster, with these in its environment."""
    started: list[Manned] = []

    def start(cluster: Cluster, number: int, **environment: str) -> Manned:
        gateway = TestGateway()
        gateway.protocol = PROTOCOL
        gateway.start()
        folder = tmp_path / f"agent-{number}"
        folder.mkdir()
        manned = Manned(gateway, Agent(state_dir=folder / "state", port=gateway.port))
        started.append(manned)
        manned.agent.start(DOCKER_HOST=cluster.servers[number].host, **environment)
        return manned

    yield start
    for each in started:
        if each.agent.process is not None and each.agent.process.poll() is None:
            each.agent.terminate()
        each.gateway.stop()
        sys.stdout.write(each.agent.log())


@pytest.fixture
def man(cluster: Cluster, man_on: Callable[..., Manned]) -> Callable[..., Manned]:
    """Start an agent on a server of the cluster that most tests share."""
    return lambda number, **environment: man_on(cluster, number, **environment)


@pytest.fixture
def project_on(base_image: str) -> Iterator[Callable[[Cluster], SwarmStack]]:
    """A project for a cluster: web has two copies, db keeps data. Removed afterwards."""
    made: list[tuple[Cluster, str]] = []

    def make(cluster: Cluster) -> SwarmStack:
        name = f"axion-test-{uuid4().hex[:8]}"
        made.append((cluster, name))
        nodes = {"web": {"replicas": "2", "env__VERSION": "1"}, "db": {"volume__DATA": "/data"}}
        return SwarmStack(name=name, project_id=str(uuid4()), image=base_image, nodes=nodes)

    yield make
    for cluster, name in made:
        cluster.servers[0].docker("stack", "rm", name)


@pytest.fixture
def project(cluster: Cluster, project_on: Callable[[Cluster], SwarmStack]) -> SwarmStack:
    return project_on(cluster)


def told(manned: Manned, command: pb.Command) -> bool:
    """Whether the agent has said that it waits for the Swarm."""
    log = manned.gateway.log(command.command_id)
    return "takes no orders" in log or "does not answer" in log
