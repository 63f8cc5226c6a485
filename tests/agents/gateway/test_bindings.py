"""What the gateway process binds to the deployments: identities, numbers of the wire, access."""

from __future__ import annotations

from uuid import uuid4

import pytest
from knox.models import AuthToken
from pytest_django.fixtures import Settings

from agents.contracts import common_pb2
from agents.errors import AgentNotFound
from agents.models import Cluster, Server
from agents.retention import KeptStack, Retention
from axion_deploy import gateway_bindings
from axion_deploy.bindings import retentions
from deployments import wire
from deployments.errors import DeployError, NotFound
from deployments.models import Deployment, DeploymentHistory, User
from deployments.states import Stage, Status
from deployments.types import ServiceState
from tests import factories
from tests.deployments.lane import Lane

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(owner: User, server: Server) -> Deployment:
    return factories.make_deployment(factories.make_project(owner), server)


def test_an_api_token_names_its_user_while_both_are_good(owner: User) -> None:
    _, token = AuthToken.objects.create(user=owner)
    assert gateway_bindings.user_of(token=token) == owner.id
    assert gateway_bindings.user_of(token=f"{token}x") is None
    assert gateway_bindings.user_of(token="nobody") is None
    User.objects.update(is_active=False)
    assert gateway_bindings.user_of(token=token) is None


def test_tries_to_enrol_are_bounded_by_address(settings: Settings) -> None:
    settings.AXION_RATE_ANONYMOUS = "2/day"
    first, other = uuid4().hex, uuid4().hex
    waits = [gateway_bindings.enrolment_wait(address=first) for _ in range(3)]
    assert waits[:2] == [0, 0]
    assert waits[2] > 0
    assert gateway_bindings.enrolment_wait(address=other) == 0


def test_without_redis_anybody_may_try_to_enrol(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.AXION_RATE_ANONYMOUS = "1/day"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert [gateway_bindings.enrolment_wait(address="a") for _ in range(3)] == [0, 0, 0]
    assert "redis unavailable, limit not enforced" in caplog.text


def test_statuses_and_stages_have_the_numbers_of_the_contract() -> None:
    statuses = {f"DEPLOYMENT_STATUS_{status.name}": wire.STATUS_NUMBERS[status] for status in Status}
    assert statuses == {name: number for name, number in common_pb2.DeploymentStatus.items() if number}
    stages = {stage.name: wire.STAGE_NUMBERS[stage] for stage in Stage if stage}
    assert stages == {name: number for name, number in common_pb2.DeploymentStage.items() if number}


def test_a_deployment_is_told_to_its_owner_only(deployment: Deployment, owner: User, stranger: User) -> None:
    told = gateway_bindings.deployment_state(deployment_id=deployment.id, user_id=owner.id)
    assert (told.status, [service.service_name for service in told.services]) == (1, ["web", "db"])
    for deployment_id, user in ((deployment.id, stranger), (uuid4(), owner)):
        with pytest.raises(DeployError) as refused:
            gateway_bindings.deployment_state(deployment_id=deployment_id, user_id=user.id)
        assert refused.value.code == "NOT_FOUND"


def test_cancelling_goes_through_the_same_door_check(deployment: Deployment, owner: User, stranger: User) -> None:
    with pytest.raises(DeployError) as refused:
        gateway_bindings.cancel_deployment(deployment_id=deployment.id, user_id=stranger.id)
    assert refused.value.code == "NOT_FOUND"
    gateway_bindings.cancel_deployment(deployment_id=deployment.id, user_id=owner.id)
    assert factories.reload(deployment.id).status is Status.FAILED


@pytest.mark.parametrize(
    ("state", "health", "number"),
    [
        ("waiting", "none", common_pb2.PENDING),
        ("building", "none", common_pb2.IN_PROGRESS),
        ("running", "starting", common_pb2.IN_PROGRESS),
        ("running", "none", common_pb2.SUCCESS),
        ("running", "healthy", common_pb2.SUCCESS),
        ("running", "unhealthy", common_pb2.ERROR),
        ("exited", "none", common_pb2.ERROR),
    ],
)
def test_a_service_has_one_status(state: str, health: str, number: int) -> None:
    service = ServiceState(node_id="n", name="web", state=state, health=health)
    assert gateway_bindings._service(service).status == number


def test_code_goes_to_an_agent_that_builds_it_only(server: Server) -> None:
    agent = factories.make_agent(server)
    with pytest.raises(DeployError) as refused:
        gateway_bindings.bundle_of(digest="sha256:x", agent_id=agent.id)
    assert refused.value.code == "NOT_FOUND"


@pytest.fixture
def lane(owner: User, server: Server) -> Lane:
    project = factories.make_project(owner)
    made = Lane(owner=owner, project_id=project.id, server=server, agent=factories.make_agent(server))
    made.store_graph(web="web:1", db="db:1")
    return made


def kept(lane: Lane) -> tuple[KeptStack, ...]:
    agent_id = lane.agent.id
    return retentions.retentions_of(agent_ids=[agent_id])[agent_id].stacks


def test_an_agent_is_to_keep_what_the_history_of_its_targets_needs(lane: Lane, owner: User) -> None:
    assert kept(lane) == ()
    first = lane.deployed()
    lane.store_graph(web="web:2", db="db:1")
    second = lane.deployed()
    lane.fail(lane.start(lane.ask()))
    (stack,) = kept(lane)
    assert (stack.project_id, stack.stack_name) == (lane.project_id, second.config["stackName"])
    assert stack.image_ids == ("sha256:db:1", "sha256:web:1", "sha256:web:2")
    assert stack.deployment_ids == (first.id, second.id)
    DeploymentHistory.objects.filter(deployment=first.id).update(dropped_at=factories.NOW)
    (stack,) = kept(lane)
    assert (stack.image_ids, stack.deployment_ids) == (("sha256:db:1", "sha256:web:2"), (second.id,))
    other = factories.make_agent(factories.make_server(owner, name="server-2"))
    unknown = uuid4()
    assert retentions.retentions_of(agent_ids=[other.id, unknown]) == dict.fromkeys((other.id, unknown), Retention())


def test_an_agent_in_a_cluster_keeps_what_the_cluster_needs_too(lane: Lane, owner: User) -> None:
    first = lane.deployed()
    cluster = Cluster.objects.create(owner=owner, name="all")
    DeploymentHistory.objects.filter(deployment=first.id).update(target_id=cluster.id)
    assert kept(lane) == ()
    Server.objects.filter(id=lane.server.id).update(cluster=cluster)
    assert [stack.deployment_ids for stack in kept(lane)] == [(first.id,)]


def test_stopping_and_scaling_are_deployments_on_the_agents_server(lane: Lane, owner: User, stranger: User) -> None:
    lane.deployed()
    where = {"agent_id": lane.agent.id, "project_id": lane.project_id}
    gateway_bindings.scale_service(**where, service_name="web", replicas=2, user_id=owner.id)
    gateway_bindings.stop_project(**where, user_id=owner.id)
    asked = Deployment.objects.filter(project=lane.project_id).exclude(kind="deploy").values_list("kind", "server_id")
    assert set(asked) == {("scale", lane.server.id), ("stop", lane.server.id)}
    nowhere = {**where, "agent_id": uuid4()}
    for wrong, user, refused in ((where, stranger, NotFound), (nowhere, owner, AgentNotFound)):
        with pytest.raises(refused):
            gateway_bindings.stop_project(**wrong, user_id=user.id)
        with pytest.raises(refused):
            gateway_bindings.scale_service(**wrong, service_name="web", replicas=2, user_id=user.id)
