"""Bad days of a cluster of three servers, read from the engines themselves: those that a minute or two tell.

The dear ones are in test_bad_days_dear.py and test_takeover_at_each_stage.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.swarm.asked_for import asked_for
from tests.runner.swarm.conftest import Cluster, Manned, wait_until
from tests.runner.swarm.faults import all_ready, cut_off, done, ended, node_id, picture, settled, start, versions
from tests.runner.swarm.stacks import SwarmStack

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    asked_for(takes="takes minutes"),
]
# Swarm fills this in for each task: the copy with this number is never healthy.
FIFTH_IS_SICK = '{{if eq .Task.Slot "5"}}sick{{else}}healthy{{end}}'


def two_copies(project: SwarmStack, **changes: object) -> SwarmStack:
    nodes = {"web": {"replicas": "2", "env__VERSION": "1"}, "side": {"env__VERSION": "1"}}
    return replace(project, **{"nodes": nodes, **changes})  # type: ignore[arg-type]


def test_one_of_eight_copies_is_unhealthy_and_all_go_back(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned = man(0)
    base = replace(project, nodes={"web": {"replicas": "8", "env__VERSION": "1"}})
    done(manned, base.deploy())
    before, ids = picture(cluster, base), cluster.ids(base)["web"]
    sick = base.with_node("web", env__VERSION="2", env__MODE=FIFTH_IS_SICK)
    failed = done(manned, sick.deploy(), pb.RESTORED)
    assert (failed.reason, failed.failed_service, failed.previous_stack_running) == ("unhealthy", "web", True)
    before["lane"] = [("reverted", False)]
    settled(cluster, base, before)
    # What the update had not reached yet was never replaced.
    assert len(cluster.ids(base)["web"] & ids) >= 1
    assert versions(cluster, base) == {"1"}


def test_two_deployments_of_a_lane_at_once_end_with_the_later_one(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    first, second = man(0), man(1)
    base = two_copies(project)
    done(first, base.deploy())
    earlier = replace(base.with_node("web", env__VERSION="2"), window=30).deploy()
    later = base.with_node("web", env__VERSION="3").deploy()
    start(first, earlier)
    start(second, later)
    ended(second, later)
    late = ended(first, earlier, pb.FAILED)
    assert f"went on with this by command {later.number}" in late.message
    assert versions(cluster, base) == {"3"}
    assert picture(cluster, base)["lane"] == [("current", True)]


def test_two_projects_at_once_do_not_touch_each_other(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    first, second = man(0), man(1)
    one = two_copies(project)
    other = two_copies(project, name=f"axion-test-{uuid4().hex[:8]}", project_id=str(uuid4()), numbers=[])
    try:
        commands = [(first, one.deploy()), (second, other.deploy())]
        for manned, command in commands:
            start(manned, command)
        for manned, command in commands:
            ended(manned, command)
        ids = cluster.ids(other)
        done(first, one.with_node("web", env__VERSION="2").deploy())
        assert (versions(cluster, one), versions(cluster, other)) == ({"2"}, {"1"})
        assert cluster.ids(other) == ids
        done(first, one.stop())
        assert cluster.ids(other) == ids
    finally:
        cluster.servers[0].docker("stack", "rm", other.name)


def test_a_server_that_is_cut_off_while_it_is_handed_over_comes_back_with_old_tasks(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned, third = man(0), cluster.servers[2]
    base = two_copies(project).with_node("web", replicas="3")
    done(manned, base.deploy())
    old = {task["ID"] for task in cluster.tasks(base)["web"] if task["NodeID"] == node_id(cluster, "server-3")}
    assert old, "Swarm spreads three copies over three servers"
    changed = base.with_node("web", env__VERSION="2").deploy()
    with cut_off(cluster, third, by=0):
        start(manned, changed)
        ended(manned, changed)
        assert versions(cluster, base) == {"2"}
        up = picture(cluster, base)
        # On the server that nobody reaches the former version runs on.
        assert "VERSION=1" in third.docker("inspect", *third.docker("ps", "-q").stdout.split()).stdout
    # Back again it is told to end what is no longer wanted, and nothing that was proven changes.
    wait_until(lambda: "VERSION=1" not in _running_web(cluster, base), what="the old tasks to end", seconds=60)
    settled(cluster, base, up)
    all_ready(cluster)


def _running_web(cluster: Cluster, stack: SwarmStack) -> str:
    """The environment of all containers of the service that run on server-3, by its engine's word."""
    listed = ("ps", "-q", "--filter", f"label=com.docker.swarm.service.name={stack.name}_web")
    names = cluster.ask(*listed, by=2).split()
    return cluster.ask("inspect", *names, by=2) if names else ""
