"""Deployments on a real engine, judged by `docker inspect`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.host import DockerHost
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.served import Served
from tests.runner.stacks import DOCKERFILE, PROGRAM, Service, Stack

pytestmark = pytest.mark.docker
Containers = Callable[[], dict[str, dict[str, Any]]]
CANARY = "canary-3c0ffee-secret"


def deploy(gateway: TestGateway, command: pb.Command) -> pb.CommandFinished:
    gateway.send(command)
    return gateway.finished(command.command_id)


def ids(containers: Containers) -> dict[str, str]:
    return {name: each["Id"] for name, each in containers().items()}


def deployment_of(container: dict[str, Any]) -> str:
    return str(container["Config"]["Labels"]["axion.deployment"])


def left_behind(engine: Any, stack: Stack) -> list[Any]:
    """Everything the engine still has of the stack but its volumes, which only a person deletes."""
    filters = {"label": f"com.docker.compose.project={stack.name}"}
    return [*engine.containers(all=True, filters=filters), *engine.networks(filters=filters)]


def volumes_of(engine: Any, stack: Stack) -> list[str]:
    found = engine.volumes(filters={"label": f"com.docker.compose.project={stack.name}"})["Volumes"] or []
    return sorted(each["Name"] for each in found)


def exclusive(stack: Stack | Served) -> dict[str, bool]:
    """Service name to whether its containers hold what only one can have."""
    found = DockerHost().containers(stack=stack.name, project_id=stack.project_id)
    return {each.service: each.exclusive for each in found}


def test_a_stack_comes_up_and_is_proven(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    command = stack.deploy()
    finished = deploy(gateway, command)
    running = containers()
    assert finished.outcome == pb.SUCCEEDED, finished
    assert {each.service_name for each in finished.services} == {"db", "web", "worker"}
    for told in finished.services:
        container = running[told.service_name]
        assert list(told.container_ids) == [container["Id"]]
        assert told.image_digest == container["Image"]
        assert (container["State"]["Status"], container["State"]["Health"]["Status"]) == ("running", "healthy")
        assert container["Config"]["Labels"]["axion.deployment"] == command.deployment_id
        assert container["Config"]["Labels"]["axion.project"] == stack.project_id
    stages = [r.stage.percent for r in gateway.reports[command.command_id] if r.HasField("stage")]
    assert stages == sorted(set(stages))
    assert stages[-1] == 100
    assert exclusive(stack) == {"db": True, "web": False, "worker": False}  # data


def test_nothing_changed_means_nothing_done(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before = ids(containers)
    again = stack.deploy()
    finished = deploy(gateway, again)
    assert finished.outcome == pb.SUCCEEDED
    assert ids(containers) == before
    assert [r for r in gateway.reports[again.command_id] if r.log.source == "apply"] == []
    assert "keep db, web, worker: unchanged and running" in gateway.log(again.command_id)


def test_one_changed_service_leaves_the_others_alone(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before = ids(containers)
    changed = stack.with_service("db", version="2")
    finished = deploy(gateway, changed.deploy())
    after = ids(containers)
    assert finished.outcome == pb.SUCCEEDED
    assert after["db"] != before["db"]
    assert (after["web"], after["worker"]) == (before["web"], before["worker"])


def test_a_service_that_left_the_graph_goes_and_a_new_one_comes(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before = ids(containers)
    kept = tuple(service for service in stack.services if service.name != "web")
    moved = replace(stack, services=(*kept, Service(name="api", image=kept[0].image)))
    finished = deploy(gateway, moved.deploy())
    after = ids(containers)
    assert finished.outcome == pb.SUCCEEDED
    assert set(after) == {"db", "worker", "api"}
    assert (after["db"], after["worker"]) == (before["db"], before["worker"])


def test_force_starts_every_service_anew(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before = ids(containers)
    finished = deploy(gateway, stack.deploy(force=True))
    assert finished.outcome == pb.SUCCEEDED
    assert set(before.values()).isdisjoint(ids(containers).values())


def test_an_unhealthy_first_deployment_leaves_nothing(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any
) -> None:
    finished = deploy(gateway, stack.with_service("web", mode="sick").deploy())
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "unhealthy", "web")
    assert "mode sick password none" in finished.log_tail
    reports = [report for told in gateway.reports.values() for report in told]
    kept = [report.log for report in reports if report.HasField("log") and report.log.source == "service"]
    assert {log.service_name for log in kept} >= {"web", "db"}, "what went away can still be read"
    assert "mode sick password none" in "".join(log.text for log in kept if log.service_name == "web")
    assert not finished.previous_stack_running
    assert left_behind(engine, stack) == []


def test_a_crashing_service_is_named_with_its_exit_code(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any
) -> None:
    finished = deploy(gateway, stack.with_service("db", mode="crash").deploy())
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "unhealthy", "db")
    assert "code 3" in finished.message
    assert left_behind(engine, stack) == []


def test_a_service_that_runs_out_of_memory_is_told_so_with_its_limit(
    agent: Agent, gateway: TestGateway, stack: Stack
) -> None:
    finished = deploy(gateway, stack.with_service("web", mode="hungry", memory="32m").deploy())
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "unhealthy", "web")
    assert "ran out of memory (limit 32 MiB)" in finished.message


def test_an_unhealthy_second_deployment_puts_the_first_back(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before = containers()
    broken = stack.with_service("web", version="2").with_service("worker", mode="sick")
    command = broken.deploy()
    finished = deploy(gateway, command)
    after = containers()
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "unhealthy", "worker")
    assert finished.previous_stack_running
    assert any(r.HasField("restore_started") for r in gateway.reports[command.command_id])
    assert after["db"]["Id"] == before["db"]["Id"]
    for name in ("db", "web", "worker"):
        assert after[name]["Image"] == before[name]["Image"]
        assert sorted(after[name]["Config"]["Env"]) == sorted(before[name]["Config"]["Env"])
        assert after[name]["Mounts"] == before[name]["Mounts"]
        assert deployment_of(after[name]) == deployment_of(before[name])
        assert after[name]["State"]["Health"]["Status"] == "healthy"


def test_the_former_image_comes_back_even_when_its_tag_moved_on(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers, engine: Any
) -> None:
    tag = f"axion/{stack.name}-web:moving"
    engine.tag(stack.services[0].image, f"axion/{stack.name}-web", "moving")
    stack = stack.with_service("web", image=tag)
    deploy(gateway, stack.deploy())
    before = containers()["web"]["Image"]
    engine.tag("python:3.13-slim", f"axion/{stack.name}-web", "moving")
    finished = deploy(gateway, stack.with_service("web", mode="sick", version="2").deploy())
    assert finished.outcome == pb.RESTORED, finished
    assert containers()["web"]["Image"] == before


def test_without_restore_the_failure_stays_to_be_looked_at(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    finished = deploy(gateway, stack.with_service("web", mode="sick").deploy(restore=False))
    assert finished.touched
    assert (finished.outcome, finished.reason) == (pb.FAILED, "unhealthy")
    assert containers()["web"]["State"]["Health"]["Status"] == "unhealthy"


def test_an_image_that_is_nowhere_is_named(agent: Agent, gateway: TestGateway, stack: Stack, engine: Any) -> None:
    nowhere = "127.0.0.1:9/nobody/has-this:1"
    finished = deploy(gateway, stack.with_service("web", image=nowhere).deploy())
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "image", "web")
    assert nowhere in finished.message
    assert left_behind(engine, stack) == []


def test_code_is_built_once_and_carries_our_labels(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any
) -> None:
    bundle = gateway.add_bundle({"main.py": PROGRAM})
    tag = f"axion/{stack.name}-web:0123456789abcdef"
    built = stack.with_service("web", image=tag, bundle=bundle, dockerfile="Dockerfile.web")
    first = built.deploy()
    assert deploy(gateway, first).outcome == pb.SUCCEEDED
    assert engine.inspect_image(tag)["Config"]["Labels"]["axion.project"] == stack.project_id
    assert [r for r in gateway.reports[first.command_id] if r.log.source == "build"]
    again = built.deploy(force=True)
    assert deploy(gateway, again).outcome == pb.SUCCEEDED
    # The tags of the other services are asked again, of what is built there is none to ask.
    logs = [report.log for report in gateway.reports[again.command_id] if report.log.source == "build"]
    assert [log for log in logs if log.service_name == "web"] == []
    assert gateway.bundle_calls == [bundle]


def test_a_failed_build_touches_nothing_that_runs(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    deploy(gateway, stack.deploy())
    before = ids(containers)
    bundle = gateway.add_bundle({"Dockerfile": f"{DOCKERFILE}RUN echo the wheel came off && false\n", "main.py": "x"})
    broken = stack.with_service("web", version="2", image=f"axion/{stack.name}-web:broken", bundle=bundle)
    finished = deploy(gateway, broken.deploy())
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "build", "web")
    assert any("the wheel came off" in line for line in finished.log_tail)
    assert ids(containers) == before


def test_a_bundle_with_another_content_is_refused(agent: Agent, gateway: TestGateway, stack: Stack) -> None:
    bundle = gateway.add_bundle({"main.py": PROGRAM})
    gateway.bundles[bundle] = gateway.bundles[bundle].replace(b"ready", b"other")
    swapped = stack.with_service("web", image=f"axion/{stack.name}-web:swapped", bundle=bundle)
    finished = deploy(gateway, swapped.deploy())
    assert finished.reason == "build"
    assert "another content" in finished.message


def test_secrets_reach_the_container_and_nothing_else(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers
) -> None:
    secret = replace(stack, secret=True)
    first, second = secret.deploy(), secret.with_service("web", mode="sick").deploy()
    for command in (first, second):
        gateway.secrets[command.deployment_id] = {"PASSWORD_VALUE": CANARY}
    assert deploy(gateway, first).outcome == pb.SUCCEEDED
    assert f"PASSWORD={CANARY}" in containers()["web"]["Config"]["Env"]
    failed = deploy(gateway, second)
    assert "mode sick password ***" in failed.log_tail
    said = b"".join(report.SerializeToString() for reports in gateway.reports.values() for report in reports)
    assert CANARY.encode() not in said
    for path in agent.state_dir.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path
    assert CANARY not in agent.log()


def test_foreign_things_on_the_host_are_not_touched(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any, base_image: str
) -> None:
    """Same Compose project name, but not our label: somebody else's."""
    foreign = engine.create_container(
        base_image,
        labels={"com.docker.compose.project": stack.name},
        host_config=engine.create_host_config(network_mode="none"),
    )
    engine.start(foreign["Id"])
    deploy(gateway, stack.deploy())
    deploy(gateway, stack.with_service("web", mode="sick").deploy())
    state = engine.inspect_container(foreign["Id"])["State"]
    assert state["Running"]
