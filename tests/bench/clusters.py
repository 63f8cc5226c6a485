"""An agent's deployment to three nodes against `docker stack deploy --detach=false` of the same file, in pairs.

The control plane's own share, which is the same as for a server, is in the row `deploying`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import yaml

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import PROTOCOL
from agents.runner.commands.swarm.stack_file import stack_document
from agents.runner.commands.swarm.swarm_model import StackTarget
from agents.runner.planning.codec import release_of
from tests.bench.figures import Figure, median_ratio
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import DOCKERFILE, PROGRAM
from tests.runner.swarm.stacks import SwarmStack
from tests.servers.own_engines import OwnEngine, OwnEngines, own_engines

PAIRS = 5
MOST_SECONDS = 240.0
# What a project has by itself.
WINDOW_SECONDS = 3
IMAGE = "axion-bench-cluster:1"
NAMES = ("server-1", "server-2", "server-3")
SERVICES = ("page", "left", "right", "base")


@dataclass(frozen=True, kw_only=True)
class Plain:
    """Docker alone, on the same first server."""

    server: OwnEngine
    name: str
    folder: Path

    def deploy(self, file: Path) -> float:
        """Return the seconds until Docker calls all services converged. Raises CalledProcessError."""
        began = time.perf_counter()
        options = ("--detach=false", "--prune", "--resolve-image", "never", "--compose-file", str(file))
        subprocess.run(
            ["docker", "--host", self.server.host, "stack", "deploy", *options, self.name],
            check=True,
            capture_output=True,
            timeout=MOST_SECONDS,
            env={**os.environ, "PASSWORD": "of-nobody"},
        )
        return time.perf_counter() - began

    def remove(self) -> None:
        """Remove the stack; returns when none of its containers and networks is left."""
        self.server.docker("stack", "rm", self.name)
        give_up_at = time.monotonic() + MOST_SECONDS
        label = f"label=com.docker.stack.namespace={self.name}"
        while (
            self.server.docker("ps", "--all", "--quiet", "--filter", label).stdout.strip()
            or self.server.docker("network", "ls", "--quiet", "--filter", label).stdout.strip()
        ):
            if time.monotonic() >= give_up_at:
                raise RuntimeError(f"The stack {self.name} does not go.")
            time.sleep(0.2)


class Ours:
    """The agent of the first server."""

    def __init__(self, *, gateway: TestGateway) -> None:
        self._gateway = gateway

    def run(self, command: pb.Command) -> float:
        """Return the seconds from the order to its last report. Raises RuntimeError when it failed."""
        self._gateway.secrets[command.deployment_id] = dict.fromkeys(command.deploy.variable_names, "of-nobody")
        began = time.perf_counter()
        self._gateway.send(command)
        finished = self._gateway.finished(command.command_id, seconds=MOST_SECONDS)
        if finished.outcome != pb.SUCCEEDED:
            raise RuntimeError(f"{finished.message}\n{self._gateway.log(command.command_id)}")
        return time.perf_counter() - began


def measure() -> list[Figure]:
    """The rows on a cluster of three servers on this machine."""
    with tempfile.TemporaryDirectory(prefix="axion-bench-") as name, own_engines(*NAMES) as engines:
        folder = Path(name)
        _form(engines, folder)
        gateway = TestGateway()
        gateway.protocol = PROTOCOL
        gateway.start()
        agent = Agent(state_dir=folder / "state", port=gateway.port)
        agent.start(DOCKER_HOST=engines.servers[NAMES[0]].host)
        try:
            return _figures(engines.servers[NAMES[0]], Ours(gateway=gateway), folder)
        finally:
            agent.terminate()
            gateway.stop()


def _form(engines: OwnEngines, folder: Path) -> None:
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "main.py").write_text(PROGRAM)
    subprocess.run(["docker", "build", "-q", "-t", IMAGE, str(folder)], check=True, capture_output=True)
    with ThreadPoolExecutor(len(NAMES)) as pool:
        list(pool.map(lambda each: each.copy_images(IMAGE), engines.servers.values()))
    subprocess.run(["docker", "rmi", IMAGE], check=True, capture_output=True)
    first, *others = engines.servers.values()
    first.docker("swarm", "init", "--advertise-addr", first.address)
    token = first.docker("swarm", "join-token", "--quiet", "manager").stdout.strip()
    for each in others:
        each.docker("swarm", "join", "--token", token, f"{first.address}:2377")
    time.sleep(2)


def _figures(server: OwnEngine, ours: Ours, folder: Path) -> list[Figure]:
    nodes: Mapping[str, Mapping[str, str]] = {each: {"replicas": "2", "env__VERSION": "1"} for each in SERVICES}
    stack = SwarmStack(
        name=f"axion-bench-{uuid4().hex[:6]}", project_id=str(uuid4()), image=IMAGE, nodes=nodes, window=WINDOW_SECONDS
    )
    changed = stack.with_node("page", env__VERSION="2").with_node("left", env__VERSION="2")
    plain = Plain(server=server, name=f"{stack.name}-plain", folder=folder)
    image = server.docker("image", "inspect", "--format", "{{.Id}}", IMAGE).stdout.strip()
    old, new = (_file(each, image, folder / name) for each, name in ((stack, "old.yml"), (changed, "new.yml")))
    fresh: list[tuple[float, float]] = []
    same: list[tuple[float, float]] = []
    back: list[tuple[float, float]] = []
    for _ in range(PAIRS):
        one = [ours.run(stack.deploy()), ours.run(stack.deploy())]
        ours.run(changed.deploy())
        one.append(ours.run(stack.deploy(pinned=dict.fromkeys(SERVICES, image))))
        ours.run(stack.stop())
        two = [plain.deploy(old), plain.deploy(old)]
        plain.deploy(new)
        two.append(plain.deploy(old))
        plain.remove()
        for pairs, mine, theirs in zip((fresh, same, back), one, two, strict=True):
            pairs.append((mine, theirs))
    theirs_of = "docker stack deploy --detach=false"
    return [
        Figure(name=f"deploy to three nodes / {theirs_of}", value=median_ratio(fresh), unit="ratio", goal=1.10),
        Figure(name="the same, nothing changed", value=median_ratio(same), unit="ratio", goal=0.5),
        Figure(name=f"roll back / {theirs_of} of the old file", value=median_ratio(back), unit="ratio", goal=1.10),
    ]


def _file(stack: SwarmStack, image: str, path: Path) -> Path:
    """Write down the file that the agent hands over, for Docker alone."""
    release = release_of(stack.deploy())
    names = [service.name for service in release.services]
    target = StackTarget(
        services=release.services,
        owners=dict.fromkeys(names, release.deployment_id),
        images=dict.fromkeys(names, image),
    )
    path.write_text(yaml.safe_dump(stack_document(release=release, target=target, number=1), sort_keys=False))
    return path
