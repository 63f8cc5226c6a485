"""The agent at work, its engine or all of its server is killed in each stage: another manager's agent ends as if not.

Swarm takes up to a minute to find a leader and to start elsewhere what was lost, so that it takes a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.swarm.swarm_model import LABEL_NUMBER
from tests.runner.swarm.asked_for import asked_for
from tests.runner.swarm.conftest import Cluster, Manned, wait_until
from tests.runner.swarm.faults import (
    HeldClient,
    all_ready,
    done,
    ended,
    goes_back,
    hand_on,
    is_checking,
    node_id,
    picture,
    settled,
    start,
    versions,
)
from tests.runner.swarm.stacks import SwarmStack

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    asked_for(takes="takes a quarter of an hour"),
]
STAGES = ("accepted", "before", "during", "checking", "going back")
Reached = Callable[[Cluster, Manned, pb.Command, SwarmStack, HeldClient], Any]
REACHED: dict[str, Reached] = {
    "accepted": lambda cluster, manned, command, stack, client: manned.gateway.reports.get(command.command_id),
    "before": lambda cluster, manned, command, stack, client: client.is_there(),
    "during": lambda cluster, manned, command, stack, client: cluster.variables(stack, "web")["VERSION"] == "2",
    "checking": lambda cluster, manned, command, stack, client: is_checking(manned, command),
    "going back": lambda cluster, manned, command, stack, client: goes_back(manned, command),
}


def base_of(project: SwarmStack) -> SwarmStack:
    """side is never changed; both may run anywhere."""
    fresh = {"name": f"axion-test-{uuid4().hex[:8]}", "project_id": str(uuid4()), "numbers": []}
    nodes = {"web": {"replicas": "2", "env__VERSION": "1"}, "side": {"env__VERSION": "1"}}
    return replace(project, nodes=nodes, deadline=120, window=3, **fresh)  # type: ignore[arg-type]


def changed_of(base: SwarmStack, stage: str) -> SwarmStack:
    sick = {"env__MODE": "sick"} if stage == "going back" else {}
    return base.with_node("web", env__VERSION="2", **sick)


def outcome_of(stage: str) -> pb.Outcome:
    return pb.RESTORED if stage == "going back" else pb.SUCCEEDED


@pytest.fixture(scope="module")
def without_faults() -> dict[pb.Outcome, dict[str, Any]]:
    """By how it ends, the picture of a run in which nothing was killed."""
    return {}


@pytest.fixture
def client(tmp_path: Path) -> HeldClient:
    return HeldClient(tmp_path / "client")


@pytest.fixture(autouse=True)
def whole_again(cluster: Cluster) -> Iterator[None]:
    """Each begins and ends with three managers that are there."""
    yield
    first = cluster.servers[0]
    if not first.runs():
        first.start()
    all_ready(cluster)


@pytest.mark.parametrize("victim", ["agent", "engine", "server"])
@pytest.mark.parametrize("stage", STAGES)
def test_it_ends_as_without_the_fault(
    cluster: Cluster,
    man: Callable[..., Manned],
    project: SwarmStack,
    client: HeldClient,
    without_faults: dict[pb.Outcome, dict[str, Any]],
    stage: str,
    victim: str,
) -> None:
    first, second = man(0, PATH=client.path), man(1)
    expected = without_faults.get(outcome_of(stage)) or _without(cluster, second, project, stage)
    without_faults[outcome_of(stage)] = expected
    base = base_of(project)
    try:
        done(first, base.deploy())
        side = cluster.ids(base)["side"]
        side_is_safe = node_id(cluster, "server-1") not in {task["NodeID"] for task in cluster.tasks(base)["side"]}
        command = changed_of(base, stage).deploy()
        if stage == "before":
            client.hold()
        start(first, command)
        wait_until(lambda: REACHED[stage](cluster, first, command, base, client), what=stage)
        strike(cluster, first, victim)
        again = hand_on(first=first, to=second, stack=base, command=command)
        finished = ended(second, command, outcome_of(stage))
        assert finished.previous_stack_running is (stage == "going back")
        settled(cluster, base, expected, by=1)
        assert versions(cluster, base, by=1) == {"1" if stage == "going back" else "2"}
        if victim == "agent" or side_is_safe:
            assert cluster.ids(base, by=1)["side"] == side
        come_back(cluster, first, client, victim)
        late = first.gateway.finished(command.command_id, seconds=120)
        assert late.outcome == pb.FAILED
        assert f"by command {again.number}" in late.message
        settled(cluster, base, expected, by=1)
    finally:
        cluster.servers[1].docker("stack", "rm", base.name)


def test_a_client_that_was_held_up_on_its_way_changes_nothing_for_good(
    cluster: Cluster, man: Callable[..., Manned], project: SwarmStack, client: HeldClient
) -> None:
    """The first agent is only not heard: it lives, and what it has ordered arrives while the second one proves."""
    first, second = man(0, PATH=client.path), man(1)
    base = base_of(project)
    try:
        done(first, base.deploy())
        command = replace(changed_of(base, "before"), window=15).deploy()
        client.hold()
        start(first, command)
        wait_until(client.is_there, what="the order on its way")
        again = hand_on(first=first, to=second, stack=base, command=command)
        wait_until(lambda: numbers(cluster, base) == {again.number}, what="the second one's order")
        client.release()
        late = first.gateway.finished(command.command_id, seconds=120)
        assert (late.outcome, f"by command {again.number}" in late.message) == (pb.FAILED, True)
        ended(second, command)
        assert numbers(cluster, base) == {again.number}
        assert versions(cluster, base) == {"2"}
    finally:
        cluster.servers[1].docker("stack", "rm", base.name)


def numbers(cluster: Cluster, stack: SwarmStack) -> set[int]:
    """Of the commands that changed or kept the stack's services last."""
    with cluster.servers[1].client() as api:
        services = api.services({"label": f"com.docker.stack.namespace={stack.name}"})
    return {int(each["Spec"]["Labels"][LABEL_NUMBER]) for each in services}


def _without(cluster: Cluster, manned: Manned, project: SwarmStack, stage: str) -> dict[str, Any]:
    base = base_of(project)
    try:
        done(manned, base.deploy())
        done(manned, changed_of(base, stage).deploy(), outcome_of(stage))
        last: dict[str, Any] = {}
        wait_until(
            lambda: last.update(picture(cluster, base)) or {s["running"] for s in last["services"].values()} == {1, 2},
            what="the end without faults",
        )
        return last
    finally:
        cluster.servers[1].docker("stack", "rm", base.name)


def strike(cluster: Cluster, manned: Manned, victim: str) -> None:
    """SIGKILL: to the agent, to its engine (what it runs is left), or to all processes of the server."""
    first = cluster.servers[0]
    if victim in ("agent", "server"):
        manned.agent.kill()
    if victim in ("engine", "server"):
        first.kill()
    if victim == "server":
        first.kill_containers()


def come_back(cluster: Cluster, manned: Manned, client: HeldClient, victim: str) -> None:
    client.release()
    if victim in ("engine", "server"):
        cluster.servers[0].start()
        all_ready(cluster, by=1)
    if victim in ("agent", "server"):
        manned.agent.start(DOCKER_HOST=cluster.servers[0].host, PATH=client.path)
