"""Bad days of a cluster's registry: a wrong password, a digest that somebody deleted, and none that answers."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.registries.conftest import login
from tests.runner.registries.test_cluster_images import built, pytestmark, two
from tests.runner.swarm.asked_for import asked_for
from tests.runner.swarm.conftest import Cluster, wait_until
from tests.runner.swarm.stacks import SwarmStack
from tests.servers.own_engines import OwnEngine
from tests.servers.own_registry import OwnRegistry

__all__ = ["pytestmark", "two"]
AWAY_SECONDS = 20.0
Two = tuple[Cluster, OwnRegistry]
dear = asked_for(takes="takes a minute")


class Deployer:
    """One project whose `web` is built from code and runs on both nodes."""

    def __init__(self, *, two: Two, gateway: TestGateway, base: str) -> None:
        self.cluster, self.registry = two
        self._gateway, self._base = gateway, base
        self.name = f"axion-test-{uuid4().hex[:8]}"
        nodes = {"web": {"replicas": "2"}}
        self._project = SwarmStack(name=self.name, project_id=str(uuid4()), image=base, nodes=nodes, deadline=120)

    def order(self, tag: str, *, pinned: dict[str, str] | None = None) -> pb.Command:
        order = self._project.deploy(pinned=pinned)
        command = built(order, gateway=self._gateway, registry=self.registry, base=self._base, tag=tag)
        self._gateway.send(command)
        return command

    def ended(self, command: pb.Command, outcome: pb.Outcome = pb.SUCCEEDED) -> pb.CommandFinished:
        finished = self._gateway.finished(command.command_id, seconds=240)
        assert finished.outcome == outcome, (finished.message, self._gateway.log(command.command_id))
        return finished

    def forget(self, digest: str) -> None:
        """Take the image with this digest of the registry from both engines, once nothing runs it any more."""
        for server in self.cluster.servers:
            wait_until(partial(self._is_gone, server, digest), what=f"{server.name} to lack {digest}")

    def _is_gone(self, server: OwnEngine, digest: str) -> bool:
        found = server.docker("image", "inspect", "--format", "{{.Id}}", f"{self.reference}@{digest}")
        if found.returncode == 0:
            ended = server.docker("ps", "-aq", "--filter", "status=exited", "--filter", f"name={self.name}_").stdout
            server.docker("rm", *ended.split())
            server.docker("rmi", "--force", found.stdout.strip())
        return found.returncode != 0

    @property
    def reference(self) -> str:
        return f"{self.registry.address}/team/{self.name}-web"

    def digests(self) -> set[str]:
        """What tasks run that are meant to."""
        tasks = self.cluster.tasks(self._project)["web"]
        return {task["Spec"]["ContainerSpec"]["Image"].partition("@")[2] for task in tasks}

    def is_pushing(self, command: pb.Command) -> bool:
        reports = self._gateway.reports.get(command.command_id, ())
        return any(each.HasField("stage") and each.stage.stage == common_pb2.PUSHING for each in list(reports))


@pytest.fixture
def deployer(two: Two, gateway: TestGateway, base_image: str, tmp_path: Path) -> Iterator[Deployer]:
    cluster, registry = two
    gateway.registries = [login(registry, address=registry.address)]
    agent = Agent(state_dir=tmp_path / "state", port=gateway.port)
    agent.start(DOCKER_HOST=cluster.servers[0].host, AXION_AGENT__AGENT__REGISTRY_PATIENCE_SECONDS="60")
    made = Deployer(two=two, gateway=gateway, base=base_image)
    yield made
    agent.terminate()
    sys.stdout.write(agent.log())
    made.cluster.servers[0].docker("stack", "rm", made.name)


@contextmanager
def away(registry: OwnRegistry) -> Iterator[None]:
    """The registry is killed, and is there again after so many seconds, whatever happens meanwhile."""
    registry.stop()
    back = threading.Timer(AWAY_SECONDS, registry.start)
    back.start()
    try:
        yield
    finally:
        back.join()


@dear
def test_a_wrong_password_is_said_and_nothing_is_touched(deployer: Deployer, gateway: TestGateway) -> None:
    first = deployer.ended(deployer.order("p1"))
    before = deployer.digests()
    assert before == {first.services[0].image_digest}
    gateway.registries = [login(deployer.registry, address=deployer.registry.address, password="not this one")]
    failed = deployer.ended(deployer.order("p2"), pb.RESTORED)
    assert "password" in failed.message
    assert deployer.registry.address in failed.message
    assert "not this one" not in failed.message
    assert deployer.digests() == before


@dear
def test_a_digest_that_was_deleted_fails_the_rollback_and_what_runs_stays(deployer: Deployer) -> None:
    first = deployer.ended(deployer.order("r1"))
    old = first.services[0].image_digest
    second = deployer.ended(deployer.order("r2"))
    new = second.services[0].image_digest
    deployer.forget(old)
    delete(deployer.registry, f"team/{deployer.name}-web", old)
    failed = deployer.ended(deployer.order("r1", pinned={"web": old}), pb.RESTORED)
    assert (failed.reason, failed.failed_service, failed.previous_stack_running) == ("image", "web", True)
    assert old in failed.message
    assert deployer.digests() == {new}


@dear
def test_a_registry_that_is_away_while_an_image_is_pushed_is_waited_for(
    deployer: Deployer, gateway: TestGateway
) -> None:
    deployer.ended(deployer.order("w1"))
    command = deployer.order("w2")
    gateway.until(lambda: deployer.is_pushing(command), what="the push")
    with away(deployer.registry):
        deployer.ended(command)


@dear
def test_a_registry_that_is_away_while_nodes_pull_is_waited_for(deployer: Deployer, gateway: TestGateway) -> None:
    first = deployer.ended(deployer.order("q1"))
    deployer.ended(deployer.order("q2"))
    old = first.services[0].image_digest
    deployer.forget(old)
    with away(deployer.registry):
        command = deployer.order("q1", pinned={"web": old})
        deployer.ended(command)
    assert f"Nodes cannot pull {deployer.reference}@{old}" in gateway.log(command.command_id)
    assert deployer.digests() == {old}


def delete(registry: OwnRegistry, repository: str, digest: str) -> None:
    """Take the manifest away, as its garbage collection does."""
    kind, _, value = digest.partition(":")
    manifests = Path(registry.folder) / "data/docker/registry/v2/repositories" / repository / "_manifests"
    shutil.rmtree(manifests / "revisions" / kind / value)
    registry.stop()
    registry.start()
