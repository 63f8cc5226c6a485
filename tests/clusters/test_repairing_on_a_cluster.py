"""What somebody changes in a Swarm behind our back is told, and repaired by hand and by itself: on real engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.swarm import SwarmRole
from deployments.models import Deployment, Project, User
from deployments.repositories.observation import stack_drifts
from deployments.services.clusters import cluster_requests
from deployments.services.lifecycle.start import run_deployment
from deployments.services.projects import sources
from deployments.services.requests import repair
from deployments.services.requests.deploy import deploy_project
from deployments.services.upkeep import watch_stacks
from deployments.states import Kind, Status
from deployments.types import DeployRequest, Target, TargetKind
from tests.clusters.scene import GatewayThread, Scene, now, until
from tests.runner.conftest import base_image, engine
from tests.runner.swarm.asked_for import asked_for
from tests.servers.own_docker import missing
from tests.servers.own_engines import OwnEngines, own_engines
from tests.stackgen.graphs import graph, node

__all__ = ["base_image", "engine"]
pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(600),
    asked_for(takes="takes minutes"),
    pytest.mark.skipif(bool(missing()), reason=f"engines of our own need {missing()}"),
]


@pytest.fixture
def engines(base_image: str) -> Iterator[OwnEngines]:
    """A manager and a worker of one Swarm that somebody made by hand."""
    with own_engines("one", "two") as started:
        started.copy_images(base_image)
        one, two = started.servers.values()
        one.docker("swarm", "init", "--advertise-addr", one.address)
        token = one.docker("swarm", "join-token", "--quiet", "worker").stdout.strip()
        two.docker("swarm", "join", "--token", token, f"{one.address}:2377")
        yield started
        for each in started.servers.values():
            each.kill()


class Shop:
    """A project on the cluster, and what its engine says of it."""

    def __init__(self, *, scene: Scene, image: str) -> None:
        self.scene = scene
        self.target = Target(kind=TargetKind.CLUSTER, id=scene.cluster.pk)
        self.project_id = sources.create_project(caller=scene.caller, project_id=uuid4(), name="Shop").id
        nodes = [node("web", image=image, replicas="2", env__VERSION="1"), node("side", image=image)]
        sources.store_graph(caller=scene.caller, project_id=self.project_id, graph=graph(*nodes))

    def deploy(self) -> None:
        request = DeployRequest(project_id=self.project_id, target=self.target)
        deployment_id = uuid4()
        deploy_project(caller=self.scene.caller, request=request, deployment_id=deployment_id, at=now())
        self.finish(deployment_id)

    def finish(self, deployment_id: UUID) -> None:
        """Have it started, and wait for its success."""
        run_deployment(deployment_id=deployment_id, at=now())

        def ended() -> Deployment | None:
            row = Deployment.objects.get(pk=deployment_id)
            return row if row.status in (Status.SUCCESS, Status.FAILED) else None

        row = until(ended, what="the end of the deployment")
        assert row.status == Status.SUCCESS, row.message

    def docker(self, *arguments: str) -> str:
        done = self.scene.hosts["one"].engine.docker(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def services(self) -> dict[str, dict[str, Any]]:
        """By name, as Docker inspects them."""
        ids = self.docker("service", "ls", "--quiet", "--filter", f"label=axion.project={self.project_id}").split()
        told = json.loads(self.docker("service", "inspect", *ids)) if ids else []
        return {each["Spec"]["Labels"]["axion.service"]: each for each in told}

    def differences(self) -> set[str]:
        """Compared when it is due, as the reconciler has it."""
        watch_stacks.watch(at=now())
        row = stack_drifts.find(project_id=self.project_id, server_id=self.target.id)
        if row is None or row.due_at is not None:
            return {"not compared yet"}
        return {each.key for each in row.differences}

    def is_as_drawn(self) -> bool:
        services = self.services()
        if services.keys() != {"web", "side"}:
            return False
        spec = services["web"]["Spec"]
        by_hand = [each for each in spec["TaskTemplate"]["ContainerSpec"]["Env"] if each.startswith("BY=")]
        return spec["Mode"]["Replicated"]["Replicas"] == 2 and not by_hand


@pytest.fixture
def shop(
    transactional_db: None, owner: User, engines: OwnEngines, tmp_path: Path, base_image: str, settings: Any
) -> Iterator[Shop]:
    settings.AXION_SWARM_PORTS, settings.AXION_SWARM_ENDPOINTS = "host", "dnsrr"
    gateway = GatewayThread()
    gateway.start()
    scene = Scene(folder=tmp_path, owner=owner, engines=engines, port=gateway.port)
    for host in scene.hosts.values():
        host.start()
    scene.until_told("one", SwarmRole.MANAGER)
    scene.until_told("two", SwarmRole.WORKER)
    cluster_requests.adopt_swarm(
        caller=scene.caller, cluster_id=scene.cluster.pk, server_id=scene.hosts["one"].server.pk, change_id=uuid4(),
        at=now(),
    )  # fmt: skip
    yield Shop(scene=scene, image=base_image)
    scene.stop()
    gateway.stop()


def test_what_is_changed_in_the_swarm_is_repaired_by_hand_and_by_itself(shop: Shop) -> None:
    shop.deploy()
    web = shop.services()["web"]["Spec"]["Name"]
    side = shop.services()["side"]["Spec"]["Name"]
    until(lambda: not shop.differences() or None, what="nothing that differs")

    # By hand: another number of copies.
    shop.docker("service", "scale", "--detach", f"{web}=1")
    until(
        lambda: {each for each in shop.differences() if each.startswith("web/")} or None, what="the copy to be missed"
    )
    asked = repair.repair_stack(
        caller=shop.scene.caller, project_id=shop.project_id, target=shop.target, deployment_id=uuid4(), at=now()
    )
    shop.finish(asked.id)
    assert shop.is_as_drawn()
    until(lambda: not shop.differences() or None, what="nothing that differs any more")

    # By itself: another environment, and a service that is gone.
    Project.objects.filter(pk=shop.project_id).update(automatic_repair=True)
    shop.docker("service", "update", "--detach", "--env-add", "BY=hand", web)
    shop.docker("service", "rm", side)

    def repaired() -> Deployment | None:
        watch_stacks.watch(at=now())
        repairs = Deployment.objects.filter(kind=Kind.REPAIR).exclude(pk=asked.id)
        for each in repairs.filter(status=Status.PENDING):
            run_deployment(deployment_id=each.pk, at=now())
        return repairs.filter(status=Status.SUCCESS).first() if shop.is_as_drawn() else None

    until(repaired, what="a repair that nobody asked for")
    until(lambda: not shop.differences() or None, what="nothing that differs in the end")
