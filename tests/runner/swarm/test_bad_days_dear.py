"""Bad days of a cluster that take minutes: cables cut before and after, leaders and quorums lost, a full disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from agents.contracts import runner_pb2 as pb
from axion_deploy.embedded.engine_network import EngineNetwork
from tests.runner.swarm.asked_for import asked_for
from tests.runner.swarm.conftest import Cluster, Manned, told, wait_until
from tests.runner.swarm.faults import (
    all_ready,
    cut_off,
    done,
    ended,
    is_checking,
    node_id,
    picture,
    settled,
    start,
    versions,
)
from tests.runner.swarm.stacks import SwarmStack
from tests.servers.own_engines import OwnEngine
from tests.servers.small_disk import SmallDisk

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    asked_for(takes="takes ten minutes"),
]
# What the base image takes when it is loaded, and some room.
DISK_BYTES = 700 * 1024 * 1024


def three_copies(project: SwarmStack, **changes: object) -> SwarmStack:
    nodes = {"web": {"replicas": "3", "env__VERSION": "1"}, "side": {"env__VERSION": "1"}}
    return replace(project, **{"nodes": nodes, "deadline": 120, **changes})  # type: ignore[arg-type]


def test_a_cable_is_cut_before_the_stack_is_handed_over(
    cluster: Cluster, man: Callable[..., Manned], project: SwarmStack
) -> None:
    manned = man(0)
    base = three_copies(project)
    done(manned, base.deploy())
    # Not missed yet: Swarm still tells of its tasks as running.
    with cut_off(cluster, cluster.servers[2], by=0):
        proven = done(manned, base.with_node("web", env__VERSION="2").deploy())
        assert {each.service_name: each.healthy_replicas for each in proven.services} == {"web": 3, "side": 1}
        assert versions(cluster, base) == {"2"}
        ready = {each["ID"] for each in cluster.nodes() if each["Status"]["State"] == "ready"}
        assert {task["NodeID"] for task in cluster.tasks(base)["web"]} <= ready


def test_a_cable_is_cut_while_health_is_checked_and_after_the_end(
    cluster: Cluster, man: Callable[..., Manned], project: SwarmStack
) -> None:
    manned, third = man(0), cluster.servers[2]
    base = three_copies(project, window=25)
    done(manned, replace(base, window=1).deploy())
    changed = base.with_node("web", env__VERSION="2").deploy()
    start(manned, changed)
    wait_until(lambda: is_checking(manned, changed), what="the watch over tasks")
    with cut_off(cluster, third, by=0) as until_missed:
        ended(manned, changed)
        assert picture(cluster, base)["services"]["web"]["running"] == 3
        until_missed()
    # Swarm moves nothing back by itself: what is new goes to the server that has least.
    done(manned, replace(base, window=1).with_node("web", env__VERSION="3").deploy())
    up = picture(cluster, base)
    ours = node_id(cluster, third.name)
    assert any(task["NodeID"] == ours for task in cluster.tasks(base)["web"])
    with cut_off(cluster, third, by=0) as until_missed:
        until_missed()
        # Nothing is at work: Swarm alone starts elsewhere what was there, and the proven file stays.
        settled(cluster, base, up)
    settled(cluster, base, up)


def test_the_leader_is_lost_in_the_middle_and_that_is_waited_for(
    cluster: Cluster, man: Callable[..., Manned], project: SwarmStack
) -> None:
    leader = next(
        each["Description"]["Hostname"] for each in cluster.nodes() if (each.get("ManagerStatus") or {}).get("Leader")
    )
    at = next(number for number, each in enumerate(cluster.servers) if each.name != leader)
    manned = man(at)
    lost = next(each for each in cluster.servers if each.name == leader)
    base = three_copies(project, window=5)
    done(manned, replace(base, window=1).deploy())
    changed = base.with_node("web", env__VERSION="2").deploy()
    start(manned, changed)
    wait_until(lambda: cluster.variables(base, "web")["VERSION"] == "2", what="the new definition")
    lost.kill()
    try:
        ended(manned, changed)
        assert versions(cluster, base, by=at) == {"2"}
        assert picture(cluster, base, by=at)["services"]["web"]["running"] == 3
    finally:
        lost.start()
        all_ready(cluster, by=at)
    settled(cluster, base, picture(cluster, base, by=at), by=at)


def test_two_managers_of_three_are_lost_in_the_middle_and_come_back(
    cluster: Cluster, man: Callable[..., Manned], project: SwarmStack
) -> None:
    manned = man(1)
    base = three_copies(project)
    done(manned, base.deploy())
    changed = base.with_node("web", env__VERSION="2").deploy()
    start(manned, changed)
    wait_until(lambda: cluster.variables(base, "web")["VERSION"] == "2", what="the new definition")
    lost = (cluster.servers[0], cluster.servers[2])
    for server in lost:
        server.cut()
    try:
        manned.gateway.until(lambda: told(manned, changed), what="word of what it waits for", seconds=120)
        assert not any(report.HasField("finished") for report in manned.gateway.reports[changed.command_id])
    finally:
        for server in lost:
            server.mend()
    ended(manned, changed)
    all_ready(cluster)
    assert versions(cluster, base) == {"2"}


@pytest.fixture(scope="module")
def small(base_image: str) -> Iterator[tuple[Cluster, SmallDisk]]:
    """A manager, and a worker whose engine has a disk of its own that can be filled."""
    with ExitStack() as ends:
        engines = EngineNetwork(("server-1", "server-2"), kind=OwnEngine)
        ends.callback(engines.stop)
        disk = SmallDisk(engines.folder / "server-2" / "data", size=DISK_BYTES)
        ends.callback(disk.remove)
        engines.start()
        engines.copy_images(base_image)
        made = Cluster(engines)
        first = engines.servers["server-1"]
        made.ask("swarm", "init", "--advertise-addr", first.address)
        token = made.ask("swarm", "join-token", "--quiet", "worker").strip()
        made.ask("swarm", "join", "--token", token, f"{first.address}:2377", by=1)
        all_ready(made)
        yield made, disk
        for server in made.servers:
            server.kill()


def test_a_worker_with_a_full_disk_fails_it_by_name_and_what_ran_before_runs(
    small: tuple[Cluster, SmallDisk], man_on: Callable[..., Manned], project_on: Callable[[Cluster], SwarmStack]
) -> None:
    cluster, disk = small
    manned = man_on(cluster, 0)
    # Bound to it: else Swarm takes the other server, and nothing has failed.
    nodes = {"web": {"placement": "node.hostname == server-2", "env__VERSION": "1"}, "side": {}}
    base = replace(project_on(cluster), nodes=nodes)
    done(manned, base.deploy())
    before = picture(cluster, base)
    disk.fill()
    try:
        failed = done(manned, base.with_node("web", env__VERSION="2").deploy(), pb.RESTORED)
        assert " on server-2" in failed.message
        assert "no space left on device" in failed.message
        assert failed.previous_stack_running
    finally:
        disk.free()
    before["lane"] = [("reverted", False)]
    settled(cluster, base, before)
    done(manned, base.with_node("web", env__VERSION="3").deploy())
    assert versions(cluster, base) == {"3"}
