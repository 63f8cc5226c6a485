"""Each way out by itself: one that is stuck holds up no other, and says how far it is behind."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import connection

from axion_deploy.embedded.ports import free_port
from deployments.data.stack_event_types import NewStackEvent, StackEventType
from deployments.event_types import log_written
from deployments.kafka.event_stream import STACK_TOPIC
from deployments.models import DeploymentEvent, StackEvent
from deployments.repositories import events
from deployments.repositories.events import Mark
from deployments.repositories.observation import stack_states
from deployments.repositories.observation.stack_states import JudgedState
from tests import factories
from tests.e2e.control_plane import wait_for
from tests.factories import NOW
from tests.servers.own_kafka import OwnKafka
from tests.stream.conftest import Programs
from tests.stream.topic import events_on

pytestmark = [pytest.mark.django_db(transaction=True)]


def write(count: int) -> None:
    owner = factories.make_user("alice")
    deployment = factories.make_deployment(factories.make_project(owner), factories.make_server(owner))
    new = [log_written(service="web", source="service", text=str(number)) for number in range(count)]
    events.append(deployment_id=deployment.id, events=new, at=NOW)


def tell_of_a_stack(count: int) -> tuple[UUID, UUID]:
    project, server_id = factories.make_project(factories.make_user("bob")), uuid4()
    state = JudgedState(condition="gone", since_ms=1, message="", services=(), number=1)
    new = [NewStackEvent(type=StackEventType.STATE_CHANGED, payload={"number": number}) for number in range(count)]
    stack_states.store(project_id=project.pk, server_id=server_id, state=state)
    stack_states.append(project_id=project.pk, server_id=server_id, events=new, at=NOW)
    return project.pk, server_id


def waiting(mark: Mark) -> int:
    return DeploymentEvent.objects.filter(**{f"{mark}__isnull": True}).count()


def database_url() -> str:
    """The address of the database that the tests use."""
    told = connection.get_connection_params()
    return f"postgres://{told['user']}:{told['password']}@{told['host']}:{told['port']}/{told['dbname']}"


def publish(programs: Programs, *, kafka: str, **settings: str) -> None:
    programs.start("manage.py", "publish_events", DATABASE_URL=database_url(), KAFKA_BROKERS=kafka, **settings)


def test_a_dead_broker_holds_up_no_browser(programs: Programs) -> None:
    write(5)
    publish(programs, kafka=f"127.0.0.1:{free_port()}")
    wait_for(lambda: waiting(Mark.BROWSERS) == 0, seconds=60, what="the browsers' events", details=programs.tails)
    assert waiting(Mark.KAFKA) == 5


def test_a_dead_redis_holds_up_no_broker(programs: Programs, own_kafka: OwnKafka) -> None:
    write(5)
    project_id, server_id = tell_of_a_stack(3)
    publish(programs, kafka=own_kafka.address, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    wait_for(lambda: waiting(Mark.KAFKA) == 0, seconds=60, what="the events of Kafka", details=programs.tails)
    assert waiting(Mark.BROWSERS) == 5
    all_out = lambda: not StackEvent.objects.filter(streamed_at__isnull=True).exists()  # noqa: E731
    wait_for(all_out, seconds=60, what="the events of the stack", details=programs.tails)
    told = [each for each in events_on(own_kafka.address, topic=STACK_TOPIC) if each["projectId"] == str(project_id)]
    assert [each["sequence"] for each in told] == [1, 2, 3]
    assert {(each["projectId"], each["serverId"]) for each in told} == {(str(project_id), str(server_id))}


def test_a_fault_in_one_ends_the_process(programs: Programs) -> None:
    """Half a publisher would look well to whoever watches it."""
    write(1)
    child = programs.start(
        "manage.py", "publish_events", DATABASE_URL=database_url(), KAFKA_BROKERS="no port", REDIS_URL="nonsense://"
    )
    wait_for(lambda: not child.is_running(), seconds=60, what="its end", details=programs.tails)
    assert child.exit_code not in (0, None)
