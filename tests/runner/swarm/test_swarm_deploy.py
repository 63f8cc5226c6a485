"""Deploying to a Swarm of three servers: what is proven, kept, put back and refused, as the engines tell it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.swarm.asked_for import asked_for
from tests.runner.swarm.conftest import Cluster, Manned, told, wait_until
from tests.runner.swarm.stacks import SwarmStack

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]
PASSWORD = "correct-horse-battery"


def start(manned: Manned, command: pb.Command) -> None:
    manned.gateway.secrets[command.deployment_id] = dict.fromkeys(command.deploy.variable_names, PASSWORD)
    manned.gateway.send(command)


def running(seen: pb.TasksSeen) -> list[pb.TaskSeen]:
    return [each for each in seen.tasks if each.state == "running" and not each.lost]


def settings(seen: pb.TasksSeen) -> dict[str, dict[str, str]]:
    return {each.service_name: dict(each.settings) for each in seen.services}


def done(manned: Manned, command: pb.Command, outcome: pb.Outcome = pb.SUCCEEDED) -> pb.CommandFinished:
    start(manned, command)
    finished = manned.gateway.finished(command.command_id, seconds=180)
    assert finished.outcome == outcome, (finished.message, manned.gateway.log(command.command_id))
    return finished


def test_forward_unchanged_changed_and_back(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned = man(0)
    with_extra = project.with_node("extra", env__VERSION="1")
    proven = done(manned, with_extra.deploy())
    first = cluster.tasks(project)
    assert {name: len(tasks) for name, tasks in first.items()} == {"web": 2, "db": 1, "extra": 1}
    assert {each.service_name: each.healthy_replicas for each in proven.services} == {"web": 2, "db": 1, "extra": 1}
    # By digest, with the value where it belongs, and bound to where the volume has come to be.
    (db,) = first["db"]
    assert db["Spec"]["ContainerSpec"]["Image"].startswith("sha256:")
    assert cluster.variables(project, "db")["PASSWORD"] == PASSWORD
    assert not manned.finds(PASSWORD)
    assert cluster.constraints(project, "db") == [f"node.id == {db['NodeID']}"]

    # Between commands it is told which task runs where, and how services are set up, as the proof told it.
    setup = {each.service_name: dict(each.settings) for each in proven.services}
    made = {name for each in proven.services for name in each.container_ids}
    up = manned.seen(
        project,
        lambda seen: {each.container_id for each in running(seen)} == made and settings(seen) == setup,
        what="the tasks of the proof, as they were proven",
    )
    assert {each.host for each in up.tasks} <= {"server-1", "server-2", "server-3"}
    assert PASSWORD not in str(up)

    # What tasks on this node write is read as on a server: by lane, with the values masked.
    here = next(each for each in up.tasks if each.host == "server-1")
    cluster.ask("exec", here.container_id, "sh", "-c", "echo word $PASSWORD > /proc/1/fd/1")
    request = pb.ReadLogs(request_id=str(uuid4()), project_id=project.project_id, lane=project.project_id, tail=5)
    texts, remarks = manned.gateway.past(request)
    assert ("word ***" in texts, PASSWORD in str(texts)) == (True, False), (texts, remarks)
    assert here.service_name in {line.service_name for line in manned.gateway.lines(request.request_id)}

    ids = cluster.ids(project)
    done(manned, with_extra.deploy())
    assert cluster.ids(project) == ids

    # Somebody goes behind our back: another number of copies, another environment.
    cluster.ask("service", "update", "--detach", "--replicas", "1", "--env-add", "BY=hand", f"{project.name}_extra")
    cluster.ask("service", "scale", "--detach", f"{project.name}_web=1")
    hand = manned.seen(
        project, lambda seen: len(running(seen)) == 3 and settings(seen) != setup, what="one copy less, and a change"
    )
    now = settings(hand)
    assert {name for name in now if now[name] != setup[name]} == {"extra"}
    assert {aspect for aspect in now["extra"] if now["extra"][aspect] != setup["extra"][aspect]} == {"env"}

    changed = project.with_node("web", env__VERSION="2")
    done(manned, changed.deploy())
    second = cluster.ids(project)
    assert second.keys() == {"web", "db"}
    assert second["db"] == ids["db"]
    assert not second["web"] & ids["web"]

    sick = changed.with_node("web", env__MODE="sick").with_node("db", env__VERSION="3").with_node("new")
    failed = done(manned, sick.deploy(), pb.RESTORED)
    assert (failed.reason, failed.failed_service, failed.previous_stack_running) == ("unhealthy", "web", True)
    assert "health check" in failed.message
    assert " on server-" in failed.message
    assert cluster.variables(project, "web")["VERSION"] == "2"
    assert cluster.ids(project).keys() == {"web", "db"}
    assert "VERSION" not in cluster.variables(project, "db")

    back = project.deploy(pinned={each.service_name: each.image_digest for each in proven.services})
    done(manned, back)
    assert cluster.variables(project, "web")["VERSION"] == "1"

    before = cluster.ids(project)
    nowhere = project.with_node("web", placement="node.labels.shelf == none")
    refused = done(manned, nowhere.deploy(), pb.RESTORED)
    assert "web cannot be placed: no suitable node (scheduling constraints not satisfied on 3 nodes)" in refused.message
    assert cluster.ids(project)["db"] == before["db"]

    done(manned, project.stop())
    assert cluster.tasks(project) == {}
    assert not [name for name in cluster.configs() if name.startswith(project.name)]
    assert cluster.volumes(project) == 1


def test_data_moves_by_order_alone_and_back_when_the_move_fails(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned = man(0)
    plain = project.without("web")
    proven = done(manned, plain.deploy())
    (before,) = cluster.tasks(project)["db"]
    old = before["NodeID"]
    write(cluster, before, "kept")
    new = next(node["ID"] for node in cluster.nodes() if node["ID"] != old)

    def move(to: str, stack: SwarmStack = plain, outcome: pb.Outcome = pb.SUCCEEDED) -> pb.CommandFinished:
        pinned = {each.service_name: each.image_digest for each in proven.services}
        command = stack.deploy(pinned=pinned)
        command.deploy.moves["db"] = to
        command.deploy.restarts.append("db")
        return done(manned, command, outcome)

    # Not healthy there: all goes back to the data, which is as it was.
    failed = move(new, plain.with_node("db", env__MODE="sick"), pb.RESTORED)
    assert failed.previous_stack_running
    (back,) = cluster.tasks(project)["db"]
    assert (back["NodeID"], read(cluster, back)) == (old, "kept")
    assert cluster.constraints(project, "db") == [f"node.id == {old}"]

    move(new)
    (moved,) = cluster.tasks(project)["db"]
    assert (moved["NodeID"], read(cluster, moved)) == (new, "")
    write(cluster, moved, "new")
    # Remembered: what is deployed later stays where the data is now.
    done(manned, plain.with_node("db", env__VERSION="2").deploy())
    (later,) = cluster.tasks(project)["db"]
    assert (later["NodeID"], read(cluster, later)) == (new, "new")
    assert cluster.volumes(project) == 2
    move(old)
    (home,) = cluster.tasks(project)["db"]
    assert (home["NodeID"], read(cluster, home)) == (old, "kept")
    refused = move("nowhere", outcome=pb.FAILED)
    assert "The Swarm has no node nowhere any more: db cannot move there. Nothing was touched." in refused.message
    assert cluster.ids(project)["db"] == {home["ID"]}


def write(cluster: Cluster, task: dict[str, Any], text: str) -> None:
    inside(cluster, task, f"echo -n {text} > /data/word")


def read(cluster: Cluster, task: dict[str, Any]) -> str:
    return inside(cluster, task, "cat /data/word 2>/dev/null || true")


def inside(cluster: Cluster, task: dict[str, Any], command: str) -> str:
    """Run it in the task's container, on the server that has it."""
    by = next(
        number
        for number in range(len(cluster.servers))
        if cluster.ask("info", "--format", "{{.Swarm.NodeID}}", by=number).strip() == task["NodeID"]
    )
    container = task["Status"]["ContainerStatus"]["ContainerID"]
    return cluster.ask("exec", container, "sh", "-c", command, by=by)


def test_an_encrypted_network_carries_what_tasks_say_between_nodes(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned = man(0)
    hosts = ("server-1", "server-2")
    nodes = {name: {"placement": f"node.hostname=={host}"} for name, host in zip(("a", "b"), hosts, strict=True)}
    done(manned, replace(project, nodes=nodes, encrypted=True).deploy())
    listed = cluster.ask("network", "ls", "--quiet", "--filter", f"label=com.docker.stack.namespace={project.name}")
    told = json.loads(cluster.ask("network", "inspect", *listed.split()))
    assert told
    assert all("encrypted" in network["Options"] for network in told)


def test_configs_go_with_what_needs_them_and_a_cancel_brings_all_back(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned = man(0)
    plain = replace(project, nodes={"web": {"replicas": "2", "file__/etc/greeting": "hello"}})
    done(manned, plain.deploy())
    ids = cluster.ids(project)
    (greeting,) = (name for name in cluster.configs() if name.startswith(project.name))
    # Never healthy and never failing: it waits until somebody ends it.
    waiting = plain.with_node(
        "web", **{"file__/etc/greeting": "goodbye", "env__MODE": "sick", "healthStartPeriod": "300s"}
    )
    stuck = replace(waiting, deadline=300).deploy()
    start(manned, stuck)
    wait_until(lambda: cluster.variables(project, "web").get("MODE") == "sick", what="the new definition")
    order = plain.revert(stuck)
    manned.gateway.send(order)
    reverted = manned.gateway.finished(order.command_id, seconds=180)
    assert (reverted.outcome, reverted.reason) == (pb.RESTORED, "cancelled"), reverted.message
    assert reverted.previous_stack_running
    assert "MODE" not in cluster.variables(project, "web")
    assert {name for name in cluster.configs() if name.startswith(project.name)} == {greeting}
    assert len(cluster.ids(project)["web"] & ids["web"]) >= 1, "what the update had not reached yet keeps its tasks"


def test_another_managers_agent_goes_on_and_the_first_changes_nothing_more(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    first, second = man(0), man(1)
    base = replace(project, nodes={"web": {"replicas": "2", "env__VERSION": "1"}})
    done(first, base.deploy())
    changed = replace(base.with_node("web", env__VERSION="2"), window=10).deploy()
    start(first, changed)
    wait_until(lambda: cluster.variables(project, "web")["VERSION"] == "2", what="the new definition")
    first.agent.kill()
    again = base.again(changed, reports=len(first.gateway.reports[changed.command_id]))
    second.gateway.reports[changed.command_id] = list(first.gateway.reports[changed.command_id])
    second.gateway.secrets = first.gateway.secrets
    start(second, again)
    proven = second.gateway.finished(changed.command_id, seconds=180)
    assert proven.outcome == pb.SUCCEEDED, proven.message
    ids = cluster.ids(project)
    first.agent.start(DOCKER_HOST=cluster.servers[0].host)
    late = first.gateway.finished(changed.command_id, seconds=60)
    assert late.outcome == pb.FAILED
    assert f"went on with this by command {again.number}" in late.message
    assert cluster.ids(project) == ids
    # What the first one proved can be brought back by the second, by what is kept in the Swarm.
    order = base.revert(changed)
    second.gateway.send(order)
    reverted = second.gateway.finished(order.command_id, seconds=180)
    assert reverted.outcome == pb.RESTORED, reverted.message
    assert cluster.variables(project, "web")["VERSION"] == "1"


def test_a_node_that_is_cut_off_does_not_count(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned = man(1)
    base = replace(project, nodes={"web": {"replicas": "3", "env__VERSION": "1"}})
    third = cluster.servers[2]
    third.cut()
    try:
        wait_until(lambda: cluster.states(by=1)["server-3"] == "Down", what="the cut to be noticed")
        proven = done(manned, base.deploy())
        assert [each.healthy_replicas for each in proven.services] == [3]
        ready = {each["ID"] for each in cluster.nodes(by=1) if each["Status"]["State"] == "ready"}
        assert {task["NodeID"] for task in cluster.tasks(base, by=1)["web"]} == ready
    finally:
        third.mend()
    wait_until(lambda: cluster.states(by=1)["server-3"] == "Ready", what="the node to be back")


@asked_for(takes="takes two minutes")
def test_without_a_quorum_it_waits_and_says_so(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned = man(1)
    base = replace(project, nodes={"web": {"replicas": "2", "env__VERSION": "1"}})
    done(manned, base.deploy())
    # Two of three managers are gone: nobody can change anything, and nothing is pretended.
    lost = (cluster.servers[0], cluster.servers[2])
    for server in lost:
        server.cut()
    try:
        waiting = base.with_node("web", env__VERSION="3").deploy()
        start(manned, waiting)
        manned.gateway.until(lambda: told(manned, waiting), what="word of what it waits for", seconds=120)
        assert not any(report.HasField("finished") for report in manned.gateway.reports[waiting.command_id])
    finally:
        for server in lost:
            server.mend()
    finished = manned.gateway.finished(waiting.command_id, seconds=240)
    assert finished.outcome == pb.SUCCEEDED, finished.message
    assert cluster.variables(base, "web")["VERSION"] == "3"
