"""What is built for a cluster reaches every node through a registry that wants a password, by its digest."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.registries.conftest import login, trusted
from tests.runner.registries.test_checking import check_of
from tests.runner.stacks import PROGRAM
from tests.runner.swarm.conftest import Cluster, wait_until
from tests.runner.swarm.stacks import SwarmStack
from tests.servers import own_docker
from tests.servers.own_engines import own_engines
from tests.servers.own_registry import PASSWORD, OwnRegistry, find_program

PORT = 5000 + os.getpid() % 50_000
pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(own_docker.missing()), reason=f"engines of our own need {own_docker.missing()}"),
    pytest.mark.skipif(not find_program(), reason="there is no docker-registry here and apt gives none"),
]


@pytest.fixture(scope="module")
def two(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, OwnRegistry]]:
    """A manager and a worker, and a registry that both reach and trust. The manager alone has the base image."""
    with ExitStack() as stack:
        engines = stack.enter_context(own_engines("builder", "worker"))
        manager = engines.servers["builder"]
        manager.copy_images(base_image)
        cluster = Cluster(engines)
        cluster.ask("swarm", "init", "--advertise-addr", manager.address)
        token = cluster.ask("swarm", "join-token", "--quiet", "worker").strip()
        cluster.ask("swarm", "join", "--token", token, f"{manager.address}:2377", by=1)
        wait_until(lambda: list(cluster.states().values()) == ["Ready"] * 2, what="two ready nodes")
        registry = OwnRegistry(folder=tmp_path_factory.mktemp("registry"), address=f"{engines.gateway}:{PORT}")
        registry.start()
        stack.callback(registry.stop)
        stack.enter_context(trusted(registry.authority, host=registry.address))
        yield cluster, registry


@pytest.fixture
def start(two: tuple[Cluster, OwnRegistry], gateway: TestGateway, tmp_path: Path) -> Iterator[Callable[[], Agent]]:
    made = Agent(state_dir=tmp_path / "state", port=gateway.port)

    def begin() -> Agent:
        made.start(DOCKER_HOST=two[0].servers[0].host)
        return made

    yield begin
    if made.process is not None and made.process.poll() is None:
        made.terminate()
    sys.stdout.write(made.log())


def built(command: pb.Command, *, gateway: TestGateway, registry: OwnRegistry, base: str, tag: str) -> pb.Command:
    """The same, with all services built from one code."""
    dockerfile = f'FROM {base}\nCOPY main.py /main.py\nCMD ["python", "/main.py"]\n'
    bundle = gateway.add_bundle({"Dockerfile": dockerfile, "main.py": f"{PROGRAM}\n# {tag}\n"})
    for service in command.deploy.services:
        service.image, service.bundle_digest = f"axion/{command.deploy.stack_name}-{service.name}:{tag}", bundle
        service.content_hash += tag
    gateway.secrets[command.deployment_id] = dict.fromkeys(command.deploy.variable_names, "some value")
    command.deploy.registry_address, command.deploy.registry_namespace = registry.address, "team"
    return command


def test_every_node_runs_what_was_built_once_by_its_digest(
    two: tuple[Cluster, OwnRegistry], start: Callable[[], Agent], gateway: TestGateway, base_image: str
) -> None:
    cluster, registry = two
    gateway.registries = [login(registry, address=registry.address)]
    agent = start()
    name = f"axion-test-{uuid4().hex[:8]}"
    nodes = {"web": {"replicas": "2"}}
    project = SwarmStack(name=name, project_id=str(uuid4()), image=base_image, nodes=nodes)

    def deploy(tag: str) -> pb.CommandFinished:
        command = built(project.deploy(), gateway=gateway, registry=registry, base=base_image, tag=tag)
        gateway.send(command)
        finished = gateway.finished(command.command_id, seconds=120)
        assert finished.outcome == pb.SUCCEEDED, (finished.message, gateway.log(command.command_id))
        return finished

    try:
        first = deploy("c1")
        tasks = cluster.tasks(project)["web"]
        assert len({task["NodeID"] for task in tasks}) == 2
        digest = first.services[0].image_digest
        for task in tasks:
            assert task["Spec"]["ContainerSpec"]["Image"] == f"{registry.address}/team/{name}-web@{digest}"
        uploads = registry.uploads()
        ids = cluster.ids(project)
        deploy("c1")
        assert (cluster.ids(project), registry.uploads()) == (ids, uploads)
        kept = b"".join(path.read_bytes() for path in agent.state_dir.rglob("*") if path.is_file())
        assert PASSWORD not in f"{gateway.reports}{kept.decode(errors='replace')}{agent.log()}"
    finally:
        cluster.servers[0].docker("stack", "rm", name)


def test_without_a_registry_nothing_is_built(
    two: tuple[Cluster, OwnRegistry], start: Callable[[], Agent], gateway: TestGateway, base_image: str
) -> None:
    _, registry = two
    start()
    project = SwarmStack(
        name=f"axion-test-{uuid4().hex[:8]}", project_id=str(uuid4()), image=base_image, nodes={"web": {}}
    )
    command = built(project.deploy(), gateway=gateway, registry=registry, base=base_image, tag="c1")
    command.deploy.registry_address = ""
    gateway.send(command)
    finished = gateway.finished(command.command_id, seconds=120)
    assert (finished.reason, finished.failed_service) == ("invalid", "web")
    assert "Choose one for the cluster" in finished.message
    assert gateway.bundle_calls == []


def build_of(command: pb.Command, *, number: int) -> pb.Command:
    """The order to build what this one deploys, as a builder is given it."""
    deploy = command.deploy
    order = pb.Build(
        stack_name=deploy.stack_name,
        files=dict(deploy.files),
        services=deploy.services,
        registry_address=deploy.registry_address,
        registry_namespace=deploy.registry_namespace,
    )
    return pb.Command(
        command_id=f"build-{uuid4().hex[:8]}",
        lane=command.lane,
        number=number,
        deployment_id=command.deployment_id,
        project_id=command.project_id,
        build=order,
    )


@pytest.fixture
def builder(two: tuple[Cluster, OwnRegistry], base_image: str, tmp_path: Path) -> Iterator[TestGateway]:
    """An agent on the worker, which manages nothing, and the control plane that it serves."""
    two[0].servers[1].copy_images(base_image)
    served = TestGateway()
    served.start()
    folder = tmp_path / "builder"
    folder.mkdir()
    agent = Agent(state_dir=folder / "state", port=served.port)
    agent.start(DOCKER_HOST=two[0].servers[1].host)
    yield served
    if agent.process is not None and agent.process.poll() is None:
        agent.terminate()
    served.stop()
    sys.stdout.write(agent.log())


def test_a_builder_builds_and_the_manager_applies_its_digest(
    two: tuple[Cluster, OwnRegistry],
    start: Callable[[], Agent],
    gateway: TestGateway,
    builder: TestGateway,
    base_image: str,
) -> None:
    cluster, registry = two
    gateway.registries = builder.registries = [login(registry, address=registry.address)]
    start()
    name = f"axion-test-{uuid4().hex[:8]}"
    project = SwarmStack(
        name=name, project_id=str(uuid4()), image=base_image, nodes={"web": {"replicas": "2"}}, numbers=[1]
    )
    order = project.deploy()
    built(order, gateway=builder, registry=registry, base=base_image, tag="b1")
    build = build_of(order, number=1)
    builder.send(build)
    told = builder.finished(build.command_id, seconds=120)
    assert told.outcome == pb.SUCCEEDED, (told.message, builder.log(build.command_id))
    pushed = {each.service_name: each.image_digest for each in told.services}
    assert list(pushed) == ["web"]
    assert cluster.tasks(project) == {}
    # Once more, as after a crash: neither built nor pushed again.
    uploads = registry.uploads()
    again = build_of(order, number=2)
    builder.send(again)
    repeated = builder.finished(again.command_id, seconds=120)
    assert ({each.image_digest for each in repeated.services}, registry.uploads()) == ({pushed["web"]}, uploads)

    order.deploy.built_images.update(pushed)
    gateway.secrets[order.deployment_id] = dict.fromkeys(order.deploy.variable_names, "some value")
    try:
        gateway.send(order)
        finished = gateway.finished(order.command_id, seconds=120)
        assert finished.outcome == pb.SUCCEEDED, (finished.message, gateway.log(order.command_id))
        images = {task["Spec"]["ContainerSpec"]["Image"] for task in cluster.tasks(project)["web"]}
        assert images == {f"{registry.address}/team/{name}-web@{pushed['web']}"}
        assert gateway.bundle_calls == []
    finally:
        cluster.servers[0].docker("stack", "rm", name)


def test_an_order_to_go_back_stops_a_build(
    builder: TestGateway, two: tuple[Cluster, OwnRegistry], base_image: str
) -> None:
    registry = two[1]
    builder.registries = [login(registry, address=registry.address)]
    project = SwarmStack(
        name=f"axion-test-{uuid4().hex[:8]}", project_id=str(uuid4()), image=base_image, nodes={"web": {}}
    )
    order = project.deploy()
    built(order, gateway=builder, registry=registry, base=base_image, tag="slow")
    slow = f"FROM {base_image}\nRUN sleep 300\n"
    bundle = builder.add_bundle({"Dockerfile": slow})
    for service in order.deploy.services:
        service.bundle_digest = bundle
    build = build_of(order, number=1)
    builder.send(build)
    builder.until(lambda: "sleep 300" in builder.log(build.command_id), what="the build at work", seconds=60)
    revert = project.revert(order)
    revert.revert.engine, revert.number = "build", 2
    builder.send(revert)
    assert builder.finished(build.command_id, seconds=60).reason == "cancelled"
    assert builder.finished(revert.command_id, seconds=60).outcome == pb.RESTORED


def test_whether_images_may_be_pushed_is_tried_and_nothing_is_left(
    two: tuple[Cluster, OwnRegistry], start: Callable[[], Agent], gateway: TestGateway
) -> None:
    registry = two[1]
    gateway.registries = [login(registry, address=registry.address)]
    start()
    command = check_of(registry.address)
    gateway.send(command)
    finished = gateway.finished(command.command_id, seconds=60)
    assert finished.outcome == pb.SUCCEEDED
    assert finished.message.endswith("Images may be pushed to team.")
    begun = [line for line in registry.log().splitlines() if "/v2/team/axion-deploy-check/blobs/uploads/" in line]
    assert any("http.request.method=POST" in line for line in begun)
    # Taken back again.
    assert any("http.request.method=DELETE" in line for line in begun)
