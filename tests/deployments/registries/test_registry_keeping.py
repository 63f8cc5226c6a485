"""What a cluster's registry need not keep is said with each order that builds, and never while others are at work."""

from __future__ import annotations

import pytest

from agents import gateway
from agents.models import Cluster, Server
from agents.transport.wire import codec
from axion_deploy.bindings import retentions
from deployments.models import Deployment, DeploymentHistory
from deployments.services.lifecycle import command_ids
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lifecycle.test_cluster_builder import ENV, built
from tests.deployments.lifecycle.test_swarm_clusters import ClusterLane, farm, named

__all__ = ["built", "farm"]
pytestmark = pytest.mark.django_db
OLD, KEPT = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


@pytest.fixture
def alone(built: ClusterLane) -> ClusterLane:
    """Without a builder: a manager builds."""
    Cluster.objects.update(builder=None)
    return built


def succeed_with(lane: ClusterLane, digest: str) -> DeploymentRecord:
    started = lane.start(lane.ask(env_vars=ENV))
    lane.follow(started)
    done = lane.succeed(started)
    entry = DeploymentHistory.objects.get(deployment=done.id)
    entry.deployment_snapshot["images"] = {"web": digest, "db": f"{digest[:-1]}0"}
    entry.save()
    return done


def test_the_order_names_what_history_needs_and_which_services_had_images(alone: ClusterLane) -> None:
    old = succeed_with(alone, OLD)
    succeed_with(alone, KEPT)
    DeploymentHistory.objects.filter(deployment=old.id).update(dropped_at=factories.NOW)
    snapshot = DeploymentHistory.objects.get(deployment=old.id).deployment_snapshot
    snapshot["images"] = {"former": OLD}
    DeploymentHistory.objects.filter(deployment=old.id).update(deployment_snapshot=snapshot)
    started = alone.start(alone.ask(env_vars=ENV))
    sent = codec.command_to_wire(gateway.find(command_id=command_ids.deploy_command_id(started.id))).command.deploy
    assert sent.HasField("registry_cleanup")
    assert list(sent.registry_cleanup.kept_digests) == sorted([KEPT, f"{KEPT[:-1]}0"])
    assert list(sent.registry_cleanup.services) == ["db", "former", "web"]


def test_a_builder_is_told_and_keeps_what_another_cluster_runs(built: ClusterLane) -> None:
    Cluster.objects.filter(pk=built.cluster.pk).update(builder=None)
    done = succeed_with(built, KEPT)
    smith = Server.objects.get(name="smith")
    # As a deployment of the same project to another cluster.
    elsewhere = Cluster.objects.create(owner=built.owner, name="elsewhere")
    Deployment.objects.filter(pk=done.id).update(cluster_id=elsewhere.pk)
    DeploymentHistory.objects.filter(deployment=done.id).update(target_id=elsewhere.pk)
    Cluster.objects.filter(pk=built.cluster.pk).update(builder=smith)
    started = built.start(built.ask(env_vars=ENV))
    sent = codec.command_to_wire(gateway.find(command_id=command_ids.build_command_id(started.id))).command.build
    assert list(sent.registry_cleanup.kept_digests) == sorted([KEPT, f"{KEPT[:-1]}0"])
    Deployment.objects.filter(pk=started.id).update(status="failed", reason="internal")
    # While the other one is at work, its images may be in no history yet: then nothing goes.
    Deployment.objects.filter(pk=done.id).update(status="in_progress", completed_at=None)
    started = built.start(built.ask(env_vars=ENV))
    sent = codec.command_to_wire(gateway.find(command_id=command_ids.build_command_id(started.id))).command.build
    assert not sent.HasField("registry_cleanup")


def test_what_builds_nothing_cleans_nothing_up(farm: ClusterLane) -> None:
    started = farm.start(farm.ask())
    sent = codec.command_to_wire(gateway.find(command_id=command_ids.deploy_command_id(started.id))).command.deploy
    assert not sent.HasField("registry_cleanup")


def test_every_node_is_told_what_its_cluster_keeps(farm: ClusterLane) -> None:
    worker = factories.make_agent(factories.make_server(farm.owner, name="worker"))
    Server.objects.filter(pk=worker.server_id).update(cluster=farm.cluster)
    farm.deployed()
    for agent_id in (worker.id, named("beta")):
        (stack,) = retentions.retentions_of(agent_ids=[agent_id])[agent_id].stacks
        assert (stack.in_cluster, stack.image_ids) == (True, ("sha256:db:1", "sha256:web:1"))
        (wire,) = codec.retention_to_wire(retentions.retentions_of(agent_ids=[agent_id])[agent_id]).retention.stacks
        assert wire.in_cluster
