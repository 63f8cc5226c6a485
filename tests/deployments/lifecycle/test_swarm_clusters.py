"""Deployments to a cluster: generated for Swarm, given to any manager that can be asked, handed on when it is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from agents import gateway
from agents.contracts.version import CLUSTERS_PROTOCOL
from agents.errors import CommandNotFound
from agents.models import Agent, Cluster, CommandRecord, GatewayPresence, Server
from agents.services.directory import DEPLOY_WITH_MOVES
from agents.states import CommandOutcome
from agents.transport.wire import codec
from deployments.admin import page_data
from deployments.errors import Invalid, NotFound
from deployments.models import Deployment, User
from deployments.services.lifecycle import agent_access, cancel, command_ids, takeover
from deployments.services.permissions.access import caller_of
from deployments.services.projects import project_settings, sources
from deployments.services.requests import make_plan
from deployments.services.requests.deploy import deploy_project
from deployments.services.requests.scale import scale_service
from deployments.services.requests.stop import stop_project
from deployments.states import Status
from deployments.types import DeploymentRecord, DeployRequest, Target, TargetKind
from tests import factories
from tests.deployments.lane import Lane

pytestmark = pytest.mark.django_db
SWARM_ID = "swarm-of-ours"


class ClusterLane(Lane):
    """The project on the cluster; whoever has the command reports of it."""

    cluster: Cluster

    @property
    def target(self) -> Target:
        return Target(kind=TargetKind.CLUSTER, id=self.cluster.id)

    def order(self, deployment: DeploymentRecord) -> CommandRecord:
        return CommandRecord.objects.get(pk=command_ids.deploy_command_id(deployment.id))

    def follow(self, deployment: DeploymentRecord) -> None:
        """Report as the agent that has the command now."""
        self.agent = Agent.objects.get(pk=self.order(deployment).agent_id)

    def deployed(self, **fields: object) -> DeploymentRecord:
        started = self.start(self.ask(**fields))
        self.follow(started)
        return self.succeed(started)


def make_manager(owner: User, cluster: Cluster, name: str, **facts: object) -> Agent:
    server = factories.make_server(owner, name=name)
    Server.objects.filter(pk=server.pk).update(cluster=cluster)
    agent = factories.make_agent(server)
    told = {"role": "manager", "swarm_id": SWARM_ID, "node_id": f"node-{name}", "control_available": True, **facts}
    Agent.objects.filter(pk=agent.pk).update(swarm=told, protocol=CLUSTERS_PROTOCOL, understands={"deploy": 7})
    return agent


@pytest.fixture
def farm(owner: User, lane: Lane) -> ClusterLane:
    made = ClusterLane(owner=owner, project_id=lane.project_id, server=lane.server, agent=lane.agent)
    made.cluster = Cluster.objects.create(owner=owner, name="farm", swarm_id=SWARM_ID)
    for name in ("alpha", "beta"):
        make_manager(owner, made.cluster, name)
    return made


def named(name: str) -> UUID:
    found: UUID = Agent.objects.get(server_id=Server.objects.get(name=name).id).id
    return found


def lose(name: str) -> None:
    """Let its agent fall silent while a gateway listens."""
    Agent.objects.filter(pk=named(name)).update(last_seen_at=datetime.now(UTC) - timedelta(minutes=10))
    hours_ago = datetime.now(UTC) - timedelta(hours=3)
    GatewayPresence.objects.create(
        id=uuid4(), listening_since=hours_ago, last_seen_at=datetime.now(UTC) + timedelta(hours=1)
    )


def test_it_is_generated_for_swarm_and_goes_to_a_manager(farm: ClusterLane) -> None:
    started = farm.start(farm.ask())
    assert started.status is Status.IN_PROGRESS
    order = farm.order(started)
    assert (order.agent_id, order.payload["engine"]) == (named("alpha"), "swarm")
    assert "failure_action: pause" in order.payload["files"]["docker-compose.yml"]
    farm.follow(started)
    assert farm.succeed(started).status is Status.SUCCESS


def test_of_managers_one_that_can_be_asked_is_chosen_and_none_is_waited_for(farm: ClusterLane) -> None:
    lose("alpha")
    assert farm.order(farm.start(farm.ask())).agent_id == named("beta")


def test_without_a_manager_that_can_be_asked_it_waits_and_says_why(farm: ClusterLane) -> None:
    for name in ("alpha", "beta"):
        Agent.objects.filter(pk=named(name)).update(last_seen_at=datetime.now(UTC) - timedelta(minutes=10))
    waiting = farm.start(farm.ask())
    assert waiting.status is Status.PENDING
    assert "No agent on a manager of farm is connected: alpha, beta." in waiting.message
    Agent.objects.filter(pk=named("beta")).update(last_seen_at=datetime.now(UTC) + timedelta(hours=1))
    assert farm.order(farm.start(waiting)).agent_id == named("beta")


def test_agents_that_are_too_old_are_refused_by_name(farm: ClusterLane) -> None:
    Agent.objects.update(protocol=CLUSTERS_PROTOCOL - 1)
    ended = farm.start(farm.ask())
    assert ended.status is Status.FAILED
    assert ended.message.startswith("The agents of alpha, beta are too old to deploy to a Swarm.")


def test_a_stranger_learns_nothing_of_a_cluster(farm: ClusterLane, stranger: User) -> None:
    caller = caller_of(stranger)
    project = sources.create_project(caller=caller, project_id=uuid4(), name="Other")
    sources.store_graph(caller=caller, project_id=project.id, graph={"nodes": [], "edges": []})
    for target in (farm.target, Target(kind=TargetKind.CLUSTER, id=uuid4())):
        with pytest.raises(NotFound, match=r"^No such cluster\.$"):
            deploy_project(
                caller=caller,
                request=DeployRequest(project_id=project.id, target=target),
                deployment_id=uuid4(),
                at=farm.now(),
            )


def test_what_a_cluster_cannot_run_is_refused_by_name(farm: ClusterLane) -> None:
    job = {"image": "m:1", "command": "x"}
    no_jobs = "db: config.run: makes a job of db, and jobs run on single servers only, not in a cluster"
    refused = (
        ({**job, "run": "once-before"}, no_jobs),
        ({**job, "run": "by-hand"}, no_jobs),
        ({**job, "run": "on-schedule", "schedule": "0 3 * * *"}, no_jobs),
        ({"image": "d:1", "volume.DATA": "/data", "replicas": "2"}, "db: several copies of what keeps data"),
    )
    for config, said in refused:
        nodes = [
            {"id": f"n-{name}", "type": 1, "data": {"serviceName": name, "config": each}}
            for name, each in (("db", config), ("web", {"image": "w:1"}))
        ]
        graph = {"nodes": nodes, "edges": []}
        sources.store_graph(caller=farm.caller, project_id=farm.project_id, graph=graph)
        with pytest.raises(Invalid, match=said):
            farm.ask()
        with pytest.raises(Invalid, match=said):
            make_plan.plan_deployment(caller=farm.caller, request=farm.request())
    assert not Deployment.objects.exists()


def test_the_command_of_a_lost_agent_is_handed_on_under_a_higher_number(farm: ClusterLane) -> None:
    first = farm.deployed()
    started = farm.start(farm.ask())
    before = farm.order(started)
    farm.follow(started)
    former = farm.agent
    assert takeover.hand_on_lost(at=farm.now()) == 0
    lose("alpha")
    assert takeover.hand_on_lost(at=farm.now()) == 1
    after = farm.order(started)
    assert (after.agent_id, after.number) == (named("beta"), before.number + 1)
    assert after.last_report_number == before.last_report_number
    assert takeover.hand_on_lost(at=farm.now()) == 0
    # Whoever comes back late reports of it no more; who has it may have what it needs to go on and back.
    with pytest.raises(CommandNotFound):
        farm.agent = former
        farm.succeed(started)
    assert gateway.may_see(agent_id=named("beta"), deployment_id=first.id)
    assert agent_access.values_for_agent(agent_id=named("beta"), deployment_id=first.id) == {}
    farm.follow(started)
    assert farm.succeed(started).status is Status.SUCCESS


def test_a_move_is_handed_on_only_to_a_manager_that_moves(farm: ClusterLane) -> None:
    farm.deployed()
    started = farm.start(farm.ask())
    farm.follow(started)
    Deployment.objects.filter(pk=started.id).update(moves={"nodeId": "n2", "services": ["web"]})
    lose("alpha")
    beta = Agent.objects.filter(pk=named("beta"))
    beta.update(understands={"deploy": DEPLOY_WITH_MOVES - 1})
    assert takeover.hand_on_lost(at=farm.now()) == 0
    beta.update(understands={"deploy": DEPLOY_WITH_MOVES})
    assert takeover.hand_on_lost(at=farm.now()) == 1


def test_a_worker_may_not_have_what_managers_may(farm: ClusterLane) -> None:
    first = farm.deployed()
    worker = make_manager(farm.owner, farm.cluster, "gamma", role="worker")
    assert not gateway.may_see(agent_id=worker.id, deployment_id=first.id)
    foreign = make_manager(farm.owner, farm.cluster, "delta", swarm_id="another")
    assert not gateway.may_see(agent_id=foreign.id, deployment_id=first.id)


def test_a_cancel_goes_to_whoever_is_at_work_or_to_another_manager(farm: ClusterLane) -> None:
    farm.deployed()
    started = farm.start(farm.ask())
    lose("alpha")
    cancel.cancel_deployment(caller=farm.caller, deployment_id=started.id, at=farm.now())
    order = CommandRecord.objects.get(pk=command_ids.revert_command_id(started.id))
    assert (order.agent_id, order.payload["engine"]) == (named("beta"), "swarm")
    farm.agent = Agent.objects.get(pk=named("beta"))
    ended = farm.revert(started, outcome=CommandOutcome.RESTORED)
    assert (ended.status, ended.reason) == (Status.FAILED, "cancelled")


def test_scale_roll_back_and_stop_go_the_same_way(farm: ClusterLane) -> None:
    first = farm.deployed()
    farm.store_graph(web="web:2", db="db:1")
    second = farm.deployed()
    scaled = scale_service(
        caller=farm.caller,
        project_id=farm.project_id,
        target=farm.target,
        service_name="web",
        replicas=3,
        deployment_id=uuid4(),
        at=farm.now(),
    )
    scaled = farm.start(scaled)
    assert {each["name"]: each["replicas"] for each in farm.order(scaled).payload["services"]} == {"web": 3, "db": 1}
    farm.follow(scaled)
    farm.succeed(scaled)
    back = farm.start(farm.ask_rollback(second, to=first))
    assert farm.order(back).payload["engine"] == "swarm"
    assert farm.order(back).payload["pinned_images"] == {"web": "sha256:web:1", "db": "sha256:db:1"}
    farm.follow(back)
    assert farm.succeed(back).status is Status.SUCCESS
    stopped = farm.start(
        stop_project(
            caller=farm.caller, project_id=farm.project_id, target=farm.target, deployment_id=uuid4(), at=farm.now()
        )
    )
    assert (farm.order(stopped).payload["engine"], farm.order(stopped).payload["services"]) == ("swarm", [])


def test_the_form_offers_a_cluster_that_is_ready(farm: ClusterLane) -> None:
    page = page_data.project_page(caller=farm.caller, project_id=farm.project_id)
    assert ("cluster", str(farm.cluster.id)) in [(each["kind"], each["id"]) for each in page["targets"]]
    Agent.objects.update(swarm={"role": "worker"})
    page = page_data.project_page(caller=farm.caller, project_id=farm.project_id)
    assert str(farm.cluster.id) not in str(page["targets"])


def test_the_order_says_on_the_wire_that_it_is_for_a_swarm(farm: ClusterLane) -> None:
    started = farm.start(farm.ask())
    sent = codec.command_to_wire(gateway.find(command_id=command_ids.deploy_command_id(started.id)))
    assert sent.command.deploy.engine == "swarm"
    cancel.cancel_deployment(caller=farm.caller, deployment_id=started.id, at=farm.now())
    sent = codec.command_to_wire(gateway.find(command_id=command_ids.revert_command_id(started.id)))
    assert sent.command.revert.engine == "swarm"


def test_a_project_that_asks_for_it_has_encrypted_networks_and_a_scale_keeps_what_runs(farm: ClusterLane) -> None:
    def networks(deployment: DeploymentRecord) -> str:
        return str(farm.order(deployment).payload["files"]["docker-compose.yml"])

    first = farm.deployed()
    assert "encrypted" not in networks(first)
    settings = {"encrypt_networks": True}
    project_settings.change_project(caller=farm.caller, project_id=farm.project_id, settings=settings)
    planned = make_plan.plan_deployment(caller=farm.caller, request=farm.request())
    assert "The networks of the stack are made anew, encrypted: every service that has one is replaced." in (
        planned.warnings
    )
    scaled = farm.start(
        scale_service(
            caller=farm.caller,
            project_id=farm.project_id,
            target=farm.target,
            service_name="web",
            replicas=2,
            deployment_id=uuid4(),
            at=farm.now(),
        )
    )
    assert "encrypted" not in networks(scaled)
    farm.follow(scaled)
    farm.succeed(scaled)
    assert 'encrypted: "true"' in networks(farm.deployed())
    planned = make_plan.plan_deployment(caller=farm.caller, request=farm.request())
    assert not any("made anew" in each for each in planned.warnings)
