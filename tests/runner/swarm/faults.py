"""What strikes a cluster in the middle of a deployment, and how its end is compared with that of a run without."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.runner.planning.model import LABEL_DEPLOYMENT, LABEL_HASH
from tests.runner.swarm.conftest import Cluster, Manned, wait_until
from tests.runner.swarm.stacks import SwarmStack
from tests.servers.own_engines import OwnEngine

PASSWORD = "correct-horse-battery"
# Docker's client as a program of ours that waits before it hands a stack over, while there is a file. What it waits
# for ends with its agent, as on a server that has lost its power.
HELD_CLIENT = """#!/bin/sh
agent=$PPID
case "$*" in *"stack deploy"*)
  touch "{folder}/there"
  while [ -e "{folder}/hold" ]; do
    kill -0 "$agent" 2>/dev/null || exit 1
    sleep 0.1
  done;;
esac
exec {docker} "$@"
"""


class HeldClient:
    """Stops an agent just before `docker stack deploy`, for as long as it is held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        docker = folder / "docker"
        docker.write_text(HELD_CLIENT.format(folder=folder, docker=shutil.which("docker")))
        docker.chmod(0o755)

    @property
    def path(self) -> str:
        """What the agent is given as PATH."""
        return f"{self._folder}:{os.environ['PATH']}"

    def hold(self) -> None:
        (self._folder / "there").unlink(missing_ok=True)
        (self._folder / "hold").touch()

    def release(self) -> None:
        (self._folder / "hold").unlink(missing_ok=True)

    def is_there(self) -> bool:
        return (self._folder / "there").exists()


def start(manned: Manned, command: pb.Command) -> None:
    manned.gateway.secrets[command.deployment_id] = dict.fromkeys(command.deploy.variable_names, PASSWORD)
    manned.gateway.send(command)


def done(manned: Manned, command: pb.Command, outcome: pb.Outcome = pb.SUCCEEDED) -> pb.CommandFinished:
    start(manned, command)
    return ended(manned, command, outcome)


def ended(manned: Manned, command: pb.Command, outcome: pb.Outcome = pb.SUCCEEDED) -> pb.CommandFinished:
    finished = manned.gateway.finished(command.command_id, seconds=240)
    assert finished.outcome == outcome, (finished.message, manned.gateway.log(command.command_id))
    return finished


def hand_on(*, first: Manned, to: Manned, stack: SwarmStack, command: pb.Command) -> pb.Command:
    """Give the command to another manager's agent, as the control plane does when the first one is not heard."""
    reports = list(first.gateway.reports.get(command.command_id, ()))
    again = stack.again(command, reports=len(reports))
    to.gateway.reports[command.command_id] = reports
    to.gateway.secrets = first.gateway.secrets
    to.gateway.send(again)
    return again


def is_checking(manned: Manned, command: pb.Command) -> bool:
    """Whether the agent has told that it watches tasks."""
    reports = list(manned.gateway.reports.get(command.command_id, ()))
    return any(each.HasField("stage") and each.stage.stage == common_pb2.HEALTH_CHECKING for each in reports)


def goes_back(manned: Manned, command: pb.Command) -> bool:
    return any(each.HasField("restore_started") for each in list(manned.gateway.reports.get(command.command_id, ())))


def picture(cluster: Cluster, stack: SwarmStack, *, by: int = 0) -> dict[str, Any]:
    """What runs of the stack as a manager's engine tells it, without what differs from run to run."""
    with cluster.servers[by].client() as api:
        label = {"label": f"com.docker.stack.namespace={stack.name}"}
        services = {each["ID"]: each for each in api.services(label)}
        ready = {each["ID"] for each in api.nodes() if each["Status"]["State"] == "ready"}
        running = [
            task
            for task in api.tasks(label)
            if task["Status"]["State"] == task["DesiredState"] == "running" and task["NodeID"] in ready
        ]
        networks = {each["Name"].removeprefix(stack.name) for each in api.networks(filters=label)}
        lane = [
            json.loads(each["Spec"]["Labels"]["axion.state"])
            for each in api.configs(filters={"label": ["axion.record=lane", f"axion.stack={stack.name}"]})
        ]
    told = {
        each["Spec"]["Name"].removeprefix(f"{stack.name}_"): _service(
            each, [t for t in running if t["ServiceID"] == id_]
        )
        for id_, each in services.items()
    }
    return {
        "services": told,
        "networks": networks,
        "lane": [(each["phase"], each["current"] == each["deployment"]) for each in lane],
    }


def _service(service: dict[str, Any], running: list[dict[str, Any]]) -> dict[str, Any]:
    spec = service["Spec"]
    container = spec["TaskTemplate"]["ContainerSpec"]
    owner = container["Labels"][LABEL_DEPLOYMENT]
    return {
        "image": container["Image"],
        "env": sorted(container.get("Env") or ()),
        "content": spec["Labels"][LABEL_HASH],
        "copies": spec["Mode"]["Replicated"]["Replicas"],
        "running": len(running),
        "of one file": {task["Spec"]["ContainerSpec"]["Labels"][LABEL_DEPLOYMENT] for task in running} == {owner},
    }


def settled(cluster: Cluster, stack: SwarmStack, wanted: dict[str, Any], *, by: int = 0) -> None:
    """Wait until what runs is exactly this; what Swarm still ends is given its time."""
    found: dict[str, Any] = {}
    give_up_at = time.monotonic() + 60
    while (found := picture(cluster, stack, by=by)) != wanted:
        assert time.monotonic() < give_up_at, (found, wanted)
        time.sleep(0.5)


def versions(cluster: Cluster, stack: SwarmStack, service: str = "web", *, by: int = 0) -> set[str]:
    """The VERSION that tasks run with which are meant to run."""
    found = set()
    for task in cluster.tasks(stack, by=by).get(service, ()):
        variables = dict(each.split("=", 1) for each in task["Spec"]["ContainerSpec"]["Env"])
        found.add(variables.get("VERSION", ""))
    return found


def node_id(cluster: Cluster, name: str, *, by: int = 0) -> str:
    """The id in the Swarm of the server of this name."""
    return next(str(each["ID"]) for each in cluster.nodes(by=by) if each["Description"]["Hostname"] == name)


def all_ready(cluster: Cluster, *, by: int = 0) -> None:
    """Wait until all nodes are, and one of them leads."""

    def ready() -> bool:
        with contextlib.suppress(AssertionError, ValueError):
            return set(cluster.states(by=by).values()) == {"Ready"}
        return False

    wait_until(ready, what="all nodes to be ready", seconds=120)


@contextmanager
def cut_off(cluster: Cluster, server: OwnEngine, *, by: int) -> Iterator[Callable[[], None]]:
    """Pull the cable of a server; it is back afterwards. What is given waits until the Swarm has missed it."""
    server.cut()
    try:
        yield lambda: wait_until(
            lambda: cluster.states(by=by)[server.name] == "Down", what=f"{server.name} to be missed", seconds=60
        )
    finally:
        server.mend()
        all_ready(cluster, by=by)
