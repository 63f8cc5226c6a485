"""A real NestJS client asks, and cannot tell that we are not NestJS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from kafka import KafkaAdminClient

from agents.models import Server
from deployments.kafka_api import request_topics
from deployments.kafka_api.handlers import PATTERNS
from deployments.kafka_api.identity import by_trust
from deployments.kafka_api.request_topics import DEAD_LETTERS
from deployments.models import Deployment, DeploymentEvent, Project, User
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from tests import factories
from tests.contract.callers.nest_callers import NestCallers
from tests.deployments.lane import Lane
from tests.kafka_api.consumers import new_consumer, running
from tests.kafka_api.wire import Caller
from tests.servers.own_kafka import OwnKafka

pytestmark = [pytest.mark.slow]

GET, DEPLOY, CANCEL, LIST, STATUS, ROLLBACK = (
    f"deployment-service.{action}"
    for action in (
        "getDeployment",
        "deployProject",
        "cancelDeployment",
        "listDeployments",
        "getDeploymentStatus",
        "rollbackDeployment",
    )
)
UNKNOWN = "deployment-service.fooBar"
CALLERS = 3


@pytest.fixture(scope="module")
def nest(own_kafka: OwnKafka, django_db_setup: None) -> Iterator[NestCallers]:
    """NestJS clients, and our consumer in a thread to answer them."""
    usual, settings.KAFKA_BROKERS = settings.KAFKA_BROKERS, [own_kafka.address]
    request_topics.create_missing(partitions=3)
    admin = KafkaAdminClient(bootstrap_servers=own_kafka.address)
    wanted = set(admin.list_topics())
    missing = [name for name in (UNKNOWN, f"{UNKNOWN}.reply") if name not in wanted]
    admin.create_topics({name: {"num_partitions": 3} for name in missing}, wait_for_metadata=True)
    admin.close()
    patterns = (*PATTERNS, "health.check", UNKNOWN)
    with running(new_consumer(identify=by_trust())):
        clients = NestCallers(
            broker=own_kafka.address, count=CALLERS, patterns=patterns, group=f"callers-{uuid4().hex[:6]}"
        )
        yield clients
        clients.close()
    settings.KAFKA_BROKERS = usual


@pytest.fixture
def owner(transactional_db: None) -> User:
    return factories.make_user("alice")


@pytest.fixture
def deployment(project: Project, server: Server) -> Deployment:
    return factories.make_deployment(project, server, at=timezone.now())


def by(user: User, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"user_id": str(user.id), "timestamp": 1}, **fields}


def code(answer: Any) -> str:
    assert answer["status"] == 2
    assert answer["result"] == {"error": answer["error"]}
    return str(answer["error"]["code"])


def test_every_pattern_answers_with_success(
    nest: NestCallers, owner: User, project: Project, server: Server, deployment: Deployment
) -> None:
    of_it = by(owner, deploymentId=str(deployment.id))
    got = nest.ask(GET, of_it)
    assert (got["status"], got["deployment"]["id"]) == (1, str(deployment.id))
    assert nest.ask(STATUS, of_it)["data"]["status"] == 1
    listed = nest.ask(LIST, by(owner, projectId=str(project.id), pagination={"page": 1, "limit": 10}))
    assert listed["data"]["pagination"] == {"page": 1, "limit": 10, "total": 1, "totalPages": 1}
    assert nest.ask(CANCEL, of_it) == {"status": 1, "result": {}}
    made = nest.ask(DEPLOY, by(owner, projectId=str(project.id), serverId=str(server.id), envVars={"A": "b"}))
    assert (made["status"], made["deployment"]["status"]) == (1, 1)
    assert nest.ask("health.check", {})["health"]["service_name"] == "deployment-service"


def test_a_success_is_rolled_back_once_however_often_it_is_asked_for(
    nest: NestCallers, owner: User, server: Server
) -> None:
    shop = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name="Shop")
    lane = Lane(owner=owner, project_id=shop.id, server=server, agent=factories.make_agent(server))
    lane.store_graph(web="web:1")
    first = lane.deployed()
    lane.store_graph(web="web:2")
    second = lane.deployed()
    wish = by(owner, deploymentId=str(second.id), targetDeploymentId=str(first.id))
    wish["metadata"]["requestId"] = "one click"
    made, again = nest.ask(ROLLBACK, wish), nest.ask(ROLLBACK, wish)
    assert (made["status"], made["deployment"]["status"]) == (1, 1)
    assert made["deployment"]["id"] == again["deployment"]["id"] not in (str(first.id), str(second.id))
    lane.succeed(lane.start(factories.reload(UUID(made["deployment"]["id"]))))
    undone = nest.ask(GET, by(owner, deploymentId=str(second.id)))
    assert undone["deployment"]["status"] == 6


def test_every_pattern_answers_with_an_error(nest: NestCallers, owner: User, deployment: Deployment) -> None:
    nowhere = by(owner, deploymentId=str(uuid4()), projectId=str(uuid4()), serverId=str(uuid4()))
    assert [code(nest.ask(pattern, nowhere)) for pattern in PATTERNS] == ["NOT_FOUND"] * len(PATTERNS)
    assert [code(nest.ask(pattern, by(owner))) for pattern in PATTERNS] == ["VALIDATION_ERROR"] * len(PATTERNS)
    assert code(nest.ask(ROLLBACK, by(owner, deploymentId=str(deployment.id)))) == "CONFLICT"


def test_nobody_is_told_by_a_transport_error(nest: NestCallers) -> None:
    for pattern in PATTERNS:
        assert nest.refused(pattern, {"deploymentId": "x"})["code"] == "UNAUTHORIZED"


def test_an_unknown_pattern_is_told_by_a_transport_error(nest: NestCallers) -> None:
    assert UNKNOWN in nest.refused(UNKNOWN, {"metadata": {}})


@pytest.mark.parametrize("payload", [{"value": None, "key": "k"}, "hello", "[1, 2]", "{", 12, True, [1]])
def test_what_is_no_object_is_refused(nest: NestCallers, payload: Any) -> None:
    assert code(nest.ask(GET, payload)) == "VALIDATION_ERROR"


def test_a_mebibyte_of_variables_is_taken_and_a_byte_more_is_not(
    nest: NestCallers, owner: User, project: Project, server: Server
) -> None:
    # One alone is bounded by what a program's environment can hold.
    whole = {f"A{number}": "x" * (64 * 1024) for number in range(16)}
    wish = by(owner, projectId=str(project.id), serverId=str(server.id))
    assert nest.ask(DEPLOY, {**wish, "envVars": whole})["status"] == 1
    assert code(nest.ask(DEPLOY, {**wish, "envVars": {**whole, "B": "y"}})) == "VALIDATION_ERROR"


def test_several_callers_hear_their_own_answers_alone(nest: NestCallers, owner: User, deployment: Deployment) -> None:
    assert len(set(nest.partitions)) == CALLERS
    asked = {
        nest.send(GET, by(owner, deploymentId=str(deployment.id if turn % 2 else uuid4())), caller=turn % CALLERS): turn
        for turn in range(30)
    }
    for number, answer in nest.answers(30).items():
        (value,) = answer["values"]
        assert value["status"] == (1 if asked[number] % 2 else 2)


def test_an_event_has_its_effect_and_no_reply(
    nest: NestCallers, own_kafka: OwnKafka, owner: User, deployment: Deployment
) -> None:
    listener = Caller(own_kafka.address)
    listener.listen(DEAD_LETTERS, f"{CANCEL}.reply", whole=True)
    asked = nest.send(CANCEL, by(owner, deploymentId=str(deployment.id)), emit=True)
    nest.answers(1)[asked]
    listener.read_until(DeploymentEvent.objects.filter(type="deployment.status_changed").exists)
    nest.ask(CANCEL, by(owner, deploymentId=str(deployment.id)))
    listener.read_until(lambda: bool(listener.replies))
    assert [reply.topic for reply in listener.replies] == [f"{CANCEL}.reply"]
    listener.close()
