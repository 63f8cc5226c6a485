"""A cluster that is no Swarm is refused by name at every way in; what an earlier version left on one can be stopped."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from agents.models import Agent, Cluster, CommandRecord, Server
from deployments.admin import page_data
from deployments.errors import Conflict, Invalid
from deployments.models import Deployment, DeploymentHistory
from deployments.services.lifecycle import start
from deployments.services.permissions.access import caller_of
from deployments.services.requests import make_plan
from deployments.services.requests.deploy import deploy_project
from deployments.services.requests.scale import scale_service
from deployments.services.requests.stop import stop_project
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord, DeployRequest, Target, TargetKind, lane_of
from tests import factories
from tests.deployments.lane import Lane

REFUSED = "farm is no Swarm yet. Form it from its servers, or adopt the one that they are in."


@pytest.fixture
def cluster(lane: Lane) -> Cluster:
    made = Cluster.objects.create(owner=lane.owner, name="farm")
    Server.objects.update(cluster=made)
    return made


def target_of(cluster: Cluster) -> Target:
    return Target(kind=TargetKind.CLUSTER, id=cluster.id)


def request(lane: Lane, cluster: Cluster) -> DeployRequest:
    return DeployRequest(project_id=lane.project_id, target=target_of(cluster))


def as_an_earlier_version_left_it(lane: Lane, cluster: Cluster) -> None:
    """What the lane did on its server was done for the cluster."""
    Deployment.objects.update(server_id=None, cluster_id=cluster.id)
    DeploymentHistory.objects.update(target_id=cluster.id)
    CommandRecord.objects.update(lane=lane_of(project_id=lane.project_id, target_id=cluster.id))


def stop(lane: Lane, cluster: Cluster) -> DeploymentRecord:
    return stop_project(
        caller=lane.caller,
        project_id=lane.project_id,
        target=target_of(cluster),
        deployment_id=uuid4(),
        at=lane.now(),
    )


def agent_told(deployment: DeploymentRecord) -> UUID:
    told: UUID = CommandRecord.objects.get(deployment_id=deployment.id).agent_id
    return told


def test_a_cluster_is_refused_when_it_is_asked_for(lane: Lane, cluster: Cluster) -> None:
    wish = request(lane, cluster)
    with pytest.raises(Invalid, match=REFUSED) as refused:
        deploy_project(caller=lane.caller, request=wish, deployment_id=uuid4(), at=lane.now())
    assert set(refused.value.details) == {"clusterId"}
    with pytest.raises(Invalid, match=REFUSED):
        make_plan.plan_deployment(caller=lane.caller, request=wish)
    assert not Deployment.objects.exists()


def test_what_ran_on_one_is_neither_scaled_nor_rolled_back(lane: Lane, cluster: Cluster) -> None:
    first, second = lane.deployed(), lane.deployed()
    as_an_earlier_version_left_it(lane, cluster)
    with pytest.raises(Invalid, match=REFUSED):
        lane.ask_rollback(second, to=first)
    with pytest.raises(Invalid, match=REFUSED):
        make_plan.plan_rollback(caller=lane.caller, deployment_id=second.id)
    with pytest.raises(Invalid, match=REFUSED):
        scale_service(
            caller=lane.caller,
            project_id=lane.project_id,
            target=target_of(cluster),
            service_name="web",
            replicas=2,
            deployment_id=uuid4(),
            at=lane.now(),
        )
    assert Deployment.objects.count() == 2


def test_one_that_waits_for_a_cluster_does_not_start(lane: Lane, cluster: Cluster) -> None:
    waiting = lane.ask()
    as_an_earlier_version_left_it(lane, cluster)
    start.run_deployment(deployment_id=waiting.id, at=lane.now())
    ended = factories.reload(waiting.id)
    assert (ended.status, ended.reason, ended.message) == (Status.FAILED, Reason.INVALID, REFUSED)
    assert not CommandRecord.objects.exists()


def test_each_server_on_which_a_cluster_left_a_stack_is_stopped_the_latest_first(lane: Lane, cluster: Cluster) -> None:
    lane.deployed()
    elsewhere = factories.make_agent(factories.make_server(lane.owner, name="server-2"))
    second = lane.deployed()
    CommandRecord.objects.filter(deployment_id=second.id).update(agent=elsewhere)
    as_an_earlier_version_left_it(lane, cluster)
    stopped = lane.start(stop(lane, cluster))
    assert agent_told(stopped) == elsewhere.id
    lane.agent, first_agent = Agent.objects.get(pk=elsewhere.id), lane.agent
    lane.succeed(stopped)
    stopped = lane.start(stop(lane, cluster))
    assert agent_told(stopped) == first_agent.id
    lane.agent = first_agent
    lane.succeed(stopped)
    with pytest.raises(Conflict, match="already stopped there"):
        stop(lane, cluster)


def test_the_form_offers_servers_alone(lane: Lane, cluster: Cluster) -> None:
    page = page_data.project_page(caller=caller_of(lane.owner), project_id=lane.project_id)
    assert [(each["kind"], each["id"]) for each in page["targets"]] == [("server", str(lane.server.id))]
    assert str(cluster.id) not in str(page["targets"])
