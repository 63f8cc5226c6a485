"""A cluster's builder builds first, then a manager applies by its digests; until then nothing was applied anywhere."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.conf import settings

from agents import gateway
from agents.models import Agent, Cluster, CommandRecord, Server
from agents.states import CommandOutcome
from agents.transport.wire import codec
from agents.types import CommandFinished, ServiceObserved
from deployments.errors import Invalid
from deployments.models import Deployment
from deployments.services.clusters import builders
from deployments.services.lifecycle import agent_access, cancel, reconcile, takeover
from deployments.services.lifecycle.command_ids import build_command_id, revert_command_id
from deployments.services.projects import sources
from deployments.services.requests import make_plan
from deployments.states import Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lifecycle.test_swarm_clusters import ClusterLane, farm, lose, make_manager, named

__all__ = ["farm"]
pytestmark = pytest.mark.django_db
DIGEST = f"sha256:{'a' * 64}"
ENV = {"TOKEN": "for builds", "OTHER": "for tasks"}
TEXT = b"FROM scratch\n"


def code() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(TEXT)
        tar.addfile(entry, io.BytesIO(TEXT))
    return packed.getvalue()


@pytest.fixture
def built(farm: ClusterLane) -> ClusterLane:
    """web is built from code, with a secret of its build; db is an image. `smith` builds and is no node."""
    web = {"runtime": "dockerfile", "buildSecret.token": "TOKEN"}
    nodes = [
        {"id": f"n-{name}", "type": 1, "data": {"serviceName": name, "config": config}}
        for name, config in (("web", web), ("db", {"image": "db:1"}))
    ]
    sources.store_graph(caller=farm.caller, project_id=farm.project_id, graph={"nodes": nodes, "edges": []})
    sources.store_code(caller=farm.caller, project_id=farm.project_id, node_id="n-web", content=code())
    factories.make_registry(address="registry.example.org", username="", sealed="")
    smith = factories.make_agent(factories.make_server(farm.owner, name="smith"))
    Agent.objects.filter(pk=smith.pk).update(understands={"deploy": 9, "build": 1})
    Agent.objects.filter(pk__in=[named("alpha"), named("beta")]).update(understands={"deploy": 9})
    Cluster.objects.update(builder=Server.objects.get(name="smith"))
    return farm


def build_order(deployment: DeploymentRecord) -> CommandRecord:
    return CommandRecord.objects.get(pk=build_command_id(deployment.id))


def report(lane: ClusterLane, deployment: DeploymentRecord, **fields: object) -> DeploymentRecord:
    """Let the builder say how its build ended."""
    lane.agent = Agent.objects.get(pk=named("smith"))
    pushed = ServiceObserved(node_id="n-web", service_name="web", state="built", image_digest=DIGEST)
    usual = {"outcome": CommandOutcome.SUCCEEDED, "services": (pushed,)}
    body = CommandFinished(**{**usual, **fields})  # type: ignore[arg-type]
    return lane.report(deployment, body, command_id=build_command_id(deployment.id))


def test_the_builder_builds_and_a_manager_applies_by_its_digests(built: ClusterLane) -> None:
    started = built.start(built.ask(env_vars=ENV))
    order = build_order(started)
    assert (order.agent_id, order.kind, started.status) == (named("smith"), "build", Status.IN_PROGRESS)
    sent = codec.command_to_wire(gateway.find(command_id=order.id)).command.build
    assert ([each.name for each in sent.services], list(sent.variable_names)) == (["web"], ["ENV_TOKEN"])
    assert (sent.registry_address, sent.registry_namespace) == ("registry.example.org", "axion")
    # Of the values the builder has what builds read.
    values = agent_access.values_for_agent(agent_id=named("smith"), deployment_id=started.id)
    assert values == {"ENV_TOKEN": "for builds"}
    assert not CommandRecord.objects.filter(kind="deploy").exists()

    report(built, started)
    after = built.order(started)
    assert (after.agent_id, after.payload["built_images"]) == (named("alpha"), {"web": DIGEST})
    assert after.number == order.number + 1
    wire = codec.command_to_wire(gateway.find(command_id=after.id)).command.deploy
    assert dict(wire.built_images) == {"web": DIGEST}
    values = agent_access.values_for_agent(agent_id=named("alpha"), deployment_id=started.id)
    assert values == {f"ENV_{name}": value for name, value in ENV.items()}
    built.follow(started)
    assert built.succeed(started).status is Status.SUCCESS
    assert not gateway.open_commands(deployment_id=started.id)


def test_a_build_that_fails_ends_it_by_name_and_nothing_was_applied(built: ClusterLane) -> None:
    started = built.start(built.ask(env_vars=ENV))
    failure = {"outcome": CommandOutcome.FAILED, "reason": "build", "message": "exit 1", "failed_service": "web"}
    ended = report(built, started, **failure, services=())
    assert (ended.status, ended.reason, ended.failed_service) == (Status.FAILED, "build", "web")
    assert ended.message.startswith("The images were not built on smith, and nothing was applied. exit 1")
    assert not CommandRecord.objects.filter(kind="deploy").exists()


def test_a_success_without_a_digest_is_none(built: ClusterLane) -> None:
    ended = report(built, built.start(built.ask(env_vars=ENV)), services=())
    assert (ended.status, "It told no digest of web." in ended.message) == (Status.FAILED, True)


def test_a_builder_that_is_away_is_waited_for_by_name(built: ClusterLane) -> None:
    lose("smith")
    waiting = built.start(built.ask(env_vars=ENV))
    assert waiting.status is Status.PENDING
    assert waiting.message.startswith("Waiting for smith, the builder of the cluster. Its agent is away (last seen")
    planned = make_plan.plan_deployment(caller=built.caller, request=built.request(env_vars=ENV))
    assert any("smith, which the deployment would wait for" in each for each in planned.warnings)


def test_without_anything_to_build_the_builder_has_no_part(built: ClusterLane) -> None:
    lose("smith")
    built.store_graph(db="db:1")
    started = built.start(built.ask())
    assert built.order(started).agent_id == named("alpha")


def test_a_cancel_stops_the_build_there(built: ClusterLane) -> None:
    started = built.start(built.ask(env_vars=ENV))
    cancel.cancel_deployment(caller=built.caller, deployment_id=started.id, at=built.now())
    order = CommandRecord.objects.get(pk=revert_command_id(started.id))
    assert (order.agent_id, order.payload["engine"]) == (named("smith"), "build")
    # A build that is done meanwhile decides nothing any more.
    assert report(built, started).status is Status.IN_PROGRESS
    assert not CommandRecord.objects.filter(kind="deploy").exists()
    ended = built.revert(started, previous_stack_running=False)
    assert (ended.status, ended.reason) == (Status.FAILED, "cancelled")
    assert ended.message.endswith("The build was stopped; nothing had been applied.")


def test_a_builder_that_is_lost_ends_it_by_name_and_nobody_takes_it_over(built: ClusterLane) -> None:
    started = built.start(built.ask(env_vars=ENV))
    lose("smith")
    assert takeover.hand_on_lost(at=built.now()) == 0
    assert build_order(started).agent_id == named("smith")
    long_ago = datetime.now(UTC) - timedelta(seconds=settings.AXION_AGENT_LOST_AFTER * 2 + 600)
    Deployment.objects.update(started_at=long_ago)
    Agent.objects.filter(pk=named("smith")).update(last_seen_at=long_ago)
    reconcile.give_up_lost(at=built.now())
    ended = factories.reload(started.id)
    assert (ended.status, ended.reason) == (Status.FAILED, "agent_lost")
    assert "the agent of smith, the builder of the cluster" in ended.message
    # What it tells when it is back changes nothing, whatever it says.
    assert report(built, started).status is Status.FAILED
    assert not CommandRecord.objects.filter(kind="deploy").exists()


def test_when_it_is_built_any_manager_will_do(built: ClusterLane) -> None:
    started = built.start(built.ask(env_vars=ENV))
    lose("alpha")
    report(built, started)
    assert built.order(started).agent_id == named("beta")


def server_named(name: str) -> UUID:
    found: UUID = Server.objects.get(name=name).pk
    return found


def test_who_cannot_build_is_refused_by_name(built: ClusterLane) -> None:
    factories.make_server(built.owner, name="bare")
    make_manager(built.owner, Cluster.objects.create(owner=built.owner, name="other"), "theirs")
    Agent.objects.filter(pk=named("theirs")).update(understands={"build": 1})
    said = {
        "bare": "bare has no agent",
        "alpha": "The agent of alpha is too old to build",
        "theirs": "theirs belongs to another cluster",
    }
    cluster_id = built.cluster.id
    for name, why in said.items():
        with pytest.raises(Invalid, match=why):
            builders.choose_builder(caller=built.caller, cluster_id=cluster_id, server_id=server_named(name))
    assert builders.choose_builder(caller=built.caller, cluster_id=cluster_id, server_id=server_named("smith"))
    assert builders.choose_builder(caller=built.caller, cluster_id=cluster_id, server_id=None) is None
    assert Cluster.objects.get(pk=cluster_id).builder_id is None
