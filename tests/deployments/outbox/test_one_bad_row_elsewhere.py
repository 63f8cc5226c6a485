"""The other loops over many: publishing, housekeeping, rotation, heartbeats, retention; what health says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from agents import isolation
from agents.models import Agent, CommandRecord, Server
from agents.reports.skipped_reports import TOLD_FOR, SkippedReports
from agents.repositories import delivery as ledger
from agents.retention import Retention
from agents.services import command_delivery
from agents.transport.retention_announcer import RetentionAnnouncer
from agents.types import AgentHealth, Sighting
from deployments import outbox_relay, process_status
from deployments.event_types import EventType, NewEvent
from deployments.kafka.event_stream import DEPLOYMENTS, value_of
from deployments.kafka_api.delivery import ReplyDelivery
from deployments.kafka_api.incoming import IncomingRecord
from deployments.models import DeploymentEvent, DeploymentHistory, Project, User
from deployments.outbox_relay import Outbox
from deployments.repositories import events
from deployments.repositories.events import EventQueue, Mark
from deployments.services.upkeep import health, housekeeping, retention
from deployments.types import EventRecord
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import NOW


@pytest.fixture(autouse=True)
def no_faults_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has seen no fault."""
    monkeypatch.setattr(isolation, "_LOOPS", {})


def write_events(project: Project, server: Server, *, count: int) -> list[int]:
    deployment = factories.make_deployment(project, server)
    for number in range(count):
        new = NewEvent(type=EventType.LOG_WRITTEN, payload={"text": str(number)})
        events.append(deployment_id=deployment.id, events=[new], at=NOW)
    return list(DeploymentEvent.objects.order_by("position").values_list("position", flat=True))


def test_an_event_that_cannot_go_out_holds_up_no_other(project: Project, server: Server) -> None:
    positions = write_events(project, server, count=3)
    out: list[int] = []

    def send(batch: Sequence[EventRecord]) -> None:
        if any(event.sequence == 2 for event in batch):
            raise TypeError("not what we store")
        out.extend(event.sequence for event in batch)

    outbox = Outbox(name="test", lock=1, queue=EventQueue(Mark.KAFKA), send=send, trouble=(ConnectionError,))
    assert outbox_relay.publish_batch(outbox=outbox, at=NOW) == 2
    assert outbox_relay.publish_batch(outbox=outbox, at=NOW) == 0
    assert out == [1, 3]
    assert [position for position, _ in events.unpublished(mark=Mark.KAFKA, limit=9).batch] == [positions[1]]
    assert isolation.failing() == {"events to test": 1}


def test_trouble_of_the_way_out_is_no_fault_of_an_event(project: Project, server: Server) -> None:
    write_events(project, server, count=2)

    def send(batch: Sequence[EventRecord]) -> None:
        raise TypeError("one of them") if len(batch) > 1 else ConnectionError("away")

    outbox = Outbox(name="test", lock=1, queue=EventQueue(Mark.KAFKA), send=send, trouble=(ConnectionError,))
    with pytest.raises(ConnectionError):
        outbox_relay.publish_batch(outbox=outbox, at=NOW)
    assert isolation.failing() == {}


def test_an_event_whose_payload_is_no_object_goes_out_without_it(project: Project, server: Server) -> None:
    (position,) = write_events(project, server, count=1)
    DeploymentEvent.objects.filter(position=position).update(payload=["no", "object"])
    ((_, record),) = events.unpublished(mark=Mark.KAFKA, limit=9).batch
    assert b'"payload":{}' in value_of(record, stream=DEPLOYMENTS)


def test_a_part_of_housekeeping_that_fails_does_not_keep_the_others(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> int:
        raise KeyError("counts")

    Project.objects.filter(pk=lane.project_id).update(retention=1)
    for image in ("web:2", "web:3"):
        lane.store_graph(web=image, db="db:1")
        lane.deployed()
    monkeypatch.setattr(housekeeping.counts, "fold", broken)  # type: ignore[attr-defined]  # imported there
    assert housekeeping.tidy(at=NOW) == 1
    assert isolation.failing() == {"housekeeping": 1}


def test_a_lane_that_cannot_be_thinned_does_not_keep_the_others(lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(retention=1)
    for image in ("web:2", "web:3", "web:4"):
        lane.store_graph(web=image, db="db:1")
        lane.deployed()
    # Lanes are gone through by their ids, so this one comes first.
    bad = UUID(int=0)
    for number, entry in enumerate(DeploymentHistory.objects.order_by("number")[:2], start=1):
        DeploymentHistory.objects.filter(pk=entry.pk).update(target_id=bad, number=number, deployment_snapshot=5)
    assert retention.drop_beyond_retention(at=NOW) == 0
    assert isolation.failing() == {"retention of lanes": 1}
    lane.store_graph(web="web:5", db="db:1")
    lane.deployed()
    assert retention.drop_beyond_retention(at=NOW) == 1


def test_a_row_that_cannot_be_sealed_anew_does_not_keep_the_others(lane: Lane, settings: Any) -> None:
    settings.AXION_ENCRYPTION_KEYS = {1: bytes([1]) * 32}
    first, second = lane.deployed(env_vars={"A": "a"}), lane.deployed(env_vars={"A": "b"})
    DeploymentHistory.objects.filter(deployment=first.id).update(sealed_variables="no version at all")
    settings.AXION_ENCRYPTION_KEYS = {1: bytes([1]) * 32, 2: bytes([2]) * 32}
    with pytest.raises(CommandError, match="1 rows are not as they were stored"):
        call_command("rotate_keys")
    assert DeploymentHistory.objects.get(deployment=second.id).sealed_variables.startswith("2:")


@pytest.mark.django_db(transaction=True)
def test_what_one_agent_says_of_itself_makes_no_other_silent() -> None:
    owner = factories.make_user("alice")
    agents = [factories.make_agent(factories.make_server(owner, name=f"s-{n}")) for n in range(3)]
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    Agent.objects.update(last_seen_at=long_ago)
    seen = {agent.id: Sighting(health=AgentHealth(cpu_usage=1.0)) for agent in agents}
    seen[agents[1].id] = Sighting(health=AgentHealth(cpu_usage=float("nan")))
    for _ in range(2):
        assert command_delivery.beat_and_touch(gateway_id=uuid4(), seen=seen) == {agent.id for agent in agents}
    assert not Agent.objects.filter(last_seen_at=long_ago).exists()
    assert isolation.failing() == {"heartbeats": 1}


def test_a_command_that_cannot_be_read_holds_up_no_other(owner: User, project: Project) -> None:
    sessions = []
    for name in ("bad", "good"):
        server = factories.make_server(owner, name=name)
        agent = factories.make_agent(server)
        sessions.append(uuid4())
        Agent.objects.filter(pk=agent.pk).update(session_id=sessions[-1])
        factories.start_deployment(factories.make_deployment(project, server), agent)
    bad, good = CommandRecord.objects.order_by("queued_at", "lane")
    CommandRecord.objects.filter(pk=bad.pk).update(payload={"files": 1})
    assert [command.id for command in ledger.claim_due(session_ids=sessions, limit=9).commands] == [good.pk]
    assert isolation.failing() == {"commands to read": 1}


def test_what_one_host_is_to_keep_is_no_secret_of_the_others() -> None:
    bad, good = uuid4(), uuid4()

    def read(*, agent_ids: Collection[UUID]) -> Mapping[UUID, Retention]:
        if bad in agent_ids:
            raise AttributeError("no images")
        return dict.fromkeys(agent_ids, Retention())

    told = RetentionAnnouncer(registry=None, threads=None, retentions_of=read, round_seconds=1)  # type: ignore[arg-type]
    assert set(told._read([bad, good])) == {good}


def test_a_request_on_which_we_fail_does_not_hold_up_its_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("reply")

    monkeypatch.setattr("deployments.kafka_api.delivery.reply_address", broken)
    monkeypatch.setattr("deployments.kafka_api.delivery.dead_letter", broken)
    done: list[str] = []
    serving = ReplyDelivery(dispatcher=None, producer=None, broken=lambda _: None)  # type: ignore[arg-type]
    record = IncomingRecord(topic="t", partition=0, offset=1, timestamp_ms=0, key=None, value=b"{}", headers={})
    serving.serve(record, later=lambda job: job(), done=lambda: done.append("done"))
    assert done == ["done"]
    assert isolation.failing() == {"dead letters": 1, "requests": 1}


def test_health_shows_what_is_left_for_later(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_status, "PREFIX", f"axion:test:{uuid4()}:")
    assert "loops" not in client.get("/healthz").json()
    isolation.isolation("retention of lanes").attempt("a lane", lambda: int("none"))
    health.report_faults(process="reconciler")
    told = client.get("/healthz").json()["loops"]
    assert told == {
        "status": "degraded",
        "message": "reconciler: retention of lanes (1 left for later; its log names each).",
    }
    assert "loops" in [each.name for each in health.dependencies()]


def test_health_shows_what_gateways_could_not_read(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(process_status, "PREFIX", f"axion:test:{uuid4()}:")
    skipped = SkippedReports(clock=lambda: now)
    monkeypatch.setattr(health, "SKIPPED", skipped)
    health.report_skipped_reports(process="gateway")
    assert "reports" not in client.get("/healthz").json()
    assert [skipped.add(what) for what in ("stage", "malformed", "stage")] == [1, 1, 2]
    health.report_skipped_reports(process="gateway")
    health.report_skipped_reports(process="another")
    told = client.get("/healthz").json()["reports"]
    assert told["status"] == "degraded"
    assert "(malformed: 2, stage: 4; the gateway's log names each)" in told["message"]
    assert "reports" in [each.name for each in health.dependencies()]
    now = TOLD_FOR
    assert skipped.recent() == {}
