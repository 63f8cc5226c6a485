"""Stacks are judged as they change and as time passes: states, events and incidents, each told once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from jsonschema import Draft202012Validator, FormatChecker

from agents.models import Agent
from agents.models.trust import AgentCertificate, Authority
from deployments.kafka.event_stream import STACKS, value_of
from deployments.models import Deployment, DeploymentHistory, Incident, StackEvent, StackState
from deployments.repositories import clock
from deployments.repositories.observation import stack_states
from deployments.repositories.observation.stack_outbox import StackEventQueue
from deployments.rules.incident_rules import DEGRADED_MS, QUIET_MS
from deployments.services.fleet import machine_changes
from deployments.services.incidents import watch
from deployments.services.incidents.watch import TURN_EVERY, UNKNOWN_MS, StackWatch
from deployments.services.queries import stack_list
from deployments.states import Status
from tests.deployments.lane import Lane
from tests.deployments.observation.test_recording import both, session, tell
from tests.deployments.outbox.test_event_schemas import CONTENTS, REGISTRY

__all__ = ["session"]


class Time:
    """Moves the clock by which stacks are judged; the agent is heard all the while."""

    def __init__(self, lane: Lane) -> None:
        self.lane, self.offset = lane, timedelta(0)
        self.watch = StackWatch()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def round(self, *, later_ms: int = 0, heard: bool = True) -> int:
        self.offset += timedelta(milliseconds=later_ms)
        if heard:
            # By the database's own clock presence is judged, and that one stands still here.
            Agent.objects.filter(pk=self.lane.agent.id).update(last_seen_at=datetime.now(UTC))
        return self.watch.judge_projects(project_ids=[self.lane.project_id], at=self.now())


@pytest.fixture
def time(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time(lane)
    monkeypatch.setattr(clock, "now", made.now)
    return made


def told() -> list[tuple[str, str]]:
    """Each event with what it says, which is what its schema says and nothing else."""
    rows = StackEvent.objects.order_by("sequence")
    for _, record in StackEventQueue().unpublished(limit=100).batch:
        value = json.loads(value_of(record, stream=STACKS))
        schema = CONTENTS[f"{value['type']}.json"]
        Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker()).validate(value)
        assert set(value["payload"]) == set(schema["properties"]["payload"]["properties"])
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [(row.type.partition(".")[2], row.payload.get("to") or row.payload["cause"]) for row in rows]


def test_a_stack_that_breaks_and_gets_well_is_one_incident(lane: Lane, session: UUID, time: Time) -> None:
    web, db = both(lane)
    tell(lane, session, web, db)
    time.round()
    tell(lane, session, db)
    time.round()
    assert told() == [("state_changed", "running"), ("state_changed", "degraded")]
    time.round(later_ms=DEGRADED_MS)
    incident = Incident.objects.get()
    assert (incident.cause, incident.severity, incident.services) == ("degraded", "critical", ["web"])
    assert incident.message == "web: its container is missing."
    assert incident.since_ms == StackState.objects.get().since_ms
    assert time.round(later_ms=DEGRADED_MS) == 0, "nothing is told twice"
    tell(lane, session, web, db)
    time.round()
    time.round(later_ms=QUIET_MS)
    assert told()[2:] == [
        ("incident_opened", "degraded"),
        ("state_changed", "running"),
        ("incident_closed", "degraded"),
    ]
    assert Incident.objects.get().closed_at is not None
    assert time.round(later_ms=QUIET_MS) == 0


@pytest.mark.parametrize("meanwhile", ["seen", "deploying"])
def test_a_look_that_is_out_of_date_by_the_time_it_is_judged_tells_nothing(
    lane: Lane, session: UUID, time: Time, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    tell(lane, session, *both(lane))
    time.round()
    before = told()
    locked = stack_states.locked

    def late(**key: UUID) -> Any:
        """Whoever waited for the lock finds that something happened since it looked."""
        if meanwhile == "seen":
            tell(lane, session, *both(lane))
        else:
            lane.ask()
            Deployment.objects.filter(status=Status.PENDING).update(status=Status.IN_PROGRESS)
        return locked(**key)

    tell(lane, session)
    with monkeypatch.context() as patched:
        patched.setattr(stack_states, "locked", late)
        assert time.round() == 0
    assert (told(), Incident.objects.count()) == (before, 0)
    time.round()
    later = {"seen": [], "deploying": [("state_changed", "deploying")]}
    assert told() == before + later[meanwhile]


def test_several_reconcilers_open_one_incident(lane: Lane, session: UUID, time: Time) -> None:
    tell(lane, session, *both(lane))
    time.round()
    tell(lane, session)
    time.round()
    time.watch = StackWatch()
    time.round()
    assert told()[1:] == [("state_changed", "gone"), ("incident_opened", "gone")]
    row = Incident.objects.get()
    row.pk = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_the_incident_shows_the_moments_that_docker_knows(lane: Lane, session: UUID, time: Time) -> None:
    Agent.objects.filter(pk=lane.agent.id).update(clock_skew_ms=600_000)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    web, db = both(lane)
    looping: dict[str, Any] = {"state": "restarting", "restarts": 4, "exit_code": 3, "oom_killed": True}
    times: dict[str, Any] = {"started_at_ms": now_ms + 500_000, "finished_at_ms": now_ms + 590_000}
    tell(lane, session, replace(web, **looping, **times), db)
    time.round()
    incident = Incident.objects.get()
    assert incident.cause == "restarting"
    (container,) = incident.containers
    assert (container["startedAt"], container["finishedAt"]) == (now_ms - 100_000, now_ms - 10_000)
    assert (container["exitCode"], container["oomKilled"], container["restarts"]) == (3, True, 4)


def test_a_silent_agent_is_unknown_and_then_an_incident(lane: Lane, session: UUID, time: Time) -> None:
    tell(lane, session, *both(lane))
    time.round()
    Agent.objects.filter(pk=lane.agent.id).update(last_seen_at=datetime.now(UTC) - timedelta(seconds=40))
    time.round(heard=False)
    assert told() == [("state_changed", "running")], "it may be back in the next moment"
    time.round(heard=False, later_ms=UNKNOWN_MS)
    assert told()[1:] == [("state_changed", "unknown")]
    time.round(heard=False, later_ms=60_000)
    assert told()[2:] == [("incident_opened", "agent_silent")]
    time.round()
    time.round(later_ms=QUIET_MS)
    assert told()[3:] == [("state_changed", "running"), ("incident_closed", "agent_silent")]


def test_an_agent_that_connects_anew_is_told_of_to_nobody(lane: Lane, session: UUID, time: Time) -> None:
    tell(lane, session, *both(lane))
    time.round()
    anew = uuid4()
    Agent.objects.filter(pk=lane.agent.id).update(session_id=anew)
    time.round()
    tell(lane, anew, *both(lane))
    time.round(later_ms=UNKNOWN_MS)
    assert told() == [("state_changed", "running")]


def test_thirty_seconds_of_silence_are_unknown_and_then_true_again(lane: Lane, session: UUID, time: Time) -> None:
    """The clock is the test's."""
    tell(lane, session, *both(lane))
    time.round()
    Agent.objects.filter(pk=lane.agent.id).update(last_seen_at=datetime.now(UTC) - timedelta(seconds=20))
    time.round(heard=False)
    for _ in range(3):
        time.round(heard=False, later_ms=UNKNOWN_MS)
    assert [stack.condition for stack in StackState.objects.all()] == ["unknown"]
    anew = uuid4()
    Agent.objects.filter(pk=lane.agent.id).update(session_id=anew)
    for _ in range(2):
        tell(lane, anew, *both(lane))
        time.round(later_ms=QUIET_MS)
    assert told() == [("state_changed", "running"), ("state_changed", "unknown"), ("state_changed", "running")]
    assert not Incident.objects.exists()


def test_after_an_hour_away_one_look_tells_what_happened_when_it_happened(
    lane: Lane, session: UUID, time: Time
) -> None:
    """The hour is simulated: all of the control plane's clocks are moved on, and nobody looked meanwhile."""
    Agent.objects.filter(pk=lane.agent.id).update(clock_skew_ms=0)
    web, db = both(lane)
    tell(lane, session, web, db)
    time.round()
    hour_ms, now_ms, anew = 3_600_000, int(datetime.now(UTC).timestamp() * 1000), uuid4()
    Agent.objects.filter(pk=lane.agent.id).update(session_id=anew)
    died = now_ms + hour_ms // 2
    dead: dict[str, Any] = {"state": "exited", "exit_code": 3, "restarts_itself": False, "finished_at_ms": died}
    time.round(later_ms=hour_ms)
    tell(lane, anew, replace(web, **dead), db)
    time.round()
    assert told() == [("state_changed", "running"), ("state_changed", "degraded"), ("incident_opened", "degraded")]
    incident = Incident.objects.get()
    assert (incident.since_ms, incident.containers[0]["finishedAt"]) == (died, died)
    assert incident.message == "web exited with code 3."
    assert time.round(later_ms=DEGRADED_MS) == 0, "nothing is told twice"


def test_a_deployment_that_fails_is_an_incident_until_one_succeeds(lane: Lane, session: UUID, time: Time) -> None:
    tell(lane, session, *both(lane))
    time.round()
    failing = lane.start(lane.ask(force_redeploy=True))
    time.round()
    Deployment.objects.filter(pk=failing.id).update(
        status=Status.FAILED, reason="unhealthy", message="web is not healthy.", failed_service="web",
        log_tail=["no database"], completed_at=datetime.now(UTC),
    )  # fmt: skip
    time.round()
    incident = Incident.objects.get()
    assert (incident.cause, incident.severity, incident.log_tail) == ("deployment_failed", "critical", ["no database"])
    assert incident.message == "The last deploy, asked for by alice, failed: web is not healthy."
    lane.deployed()
    tell(lane, session, *both(lane))
    time.round()
    time.round(later_ms=QUIET_MS)
    assert Incident.objects.get().closed_at is not None


def test_the_first_deployment_that_fails_is_an_incident_too(lane: Lane, session: UUID, time: Time) -> None:
    DeploymentHistory.objects.all().delete()
    failed = lane.fail(lane.start(lane.ask(force_redeploy=True)))
    time.round()
    incident = Incident.objects.get()
    assert (incident.cause, incident.severity, incident.deployment_id) == ("deployment_failed", "critical", None)
    assert failed.message in incident.message
    assert told() == [("incident_opened", "deployment_failed")], "there is no stack whose state could be told"
    assert time.round(later_ms=DEGRADED_MS) == 0
    assert stack_list.list_stacks(caller=lane.caller).lines == ()
    lane.deployed()
    tell(lane, session, *both(lane))
    time.round()
    time.round(later_ms=QUIET_MS)
    assert Incident.objects.get().closed_at is not None


def test_a_first_deployment_that_fails_before_its_start_is_one_as_well(lane: Lane, time: Time) -> None:
    DeploymentHistory.objects.all().delete()
    Deployment.objects.all().delete()
    asked = lane.ask(force_redeploy=True)
    Deployment.objects.filter(pk=asked.id).update(
        status=Status.FAILED, reason="invalid", message="The graph is not valid.", completed_at=datetime.now(UTC)
    )
    time.round()
    incident = Incident.objects.get()
    assert (incident.cause, incident.severity) == ("deployment_failed", "warning")


def test_a_disk_that_fills_up_is_said_before_it_is_full(lane: Lane, session: UUID, time: Time) -> None:
    tell(lane, session, *both(lane))
    full = {"engine_answers": True, "disk_total": 40 * 1024**3, "disk_free": 1024**3 // 4}
    Agent.objects.filter(pk=lane.agent.id).update(condition=full)
    time.round()
    assert [(each.cause, each.message) for each in Incident.objects.all()] == [
        ("disk_nearly_full", "Little space is left: 0.2 of 40.0 GiB.")
    ]


def test_a_certificate_that_was_not_renewed_is_said_before_the_agent_is_cut_off(
    lane: Lane, session: UUID, time: Time
) -> None:
    tell(lane, session, *both(lane))
    authority = Authority.objects.create(state="issuing", certificate="", sealed_key="", created_at=time.now())
    made = {"agent_id": lane.agent.id, "authority": authority, "valid_from": time.now()}
    AgentCertificate.objects.create(serial="1", valid_until=time.now() + timedelta(days=4), **made)
    time.round()
    assert [each.cause for each in Incident.objects.all()] == ["certificate_ends"]
    AgentCertificate.objects.create(serial="2", valid_until=time.now() + timedelta(days=30), **made)
    time.round()
    time.round(later_ms=QUIET_MS)
    assert Incident.objects.get().closed_at is not None


def test_versions_whose_images_are_gone_are_said_before_they_are_needed(lane: Lane, session: UUID, time: Time) -> None:
    for number in (2, 3):
        lane.store_graph(web=f"web:{number}", db="db:1")
        lane.deployed()
    tell(lane, session, *both(lane))

    def lacks(*images: str) -> None:
        Agent.objects.filter(pk=lane.agent.id).update(missing_images=list(images), inventory_at=datetime.now(UTC))
        time.round()

    lacks("sha256:web:1")
    incident = Incident.objects.get()
    assert incident.cause == "unrestorable"
    assert incident.message == "Version v1 cannot be restored. Images are no longer on the host: web."
    lacks("sha256:web:1", "sha256:web:2")
    incident.refresh_from_db()
    assert incident.message == "Version v2 cannot be restored. Images are no longer on the host: web. Nor can v1."


def test_what_fails_on_one_stack_holds_up_no_round(
    lane: Lane, session: UUID, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(lane, session, *both(lane))

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(watch, "facts_of", broken)
        assert time.round() == 0
    assert not StackState.objects.exists()


def test_changes_are_found_at_once_and_all_stacks_in_turn(lane: Lane, session: UUID) -> None:
    walk = StackWatch()
    tell(lane, session, *both(lane))
    walk.step(at=lane.now())
    assert StackState.objects.get().condition == "running"
    tell(lane, session)
    walk.step(at=lane.now())
    assert StackState.objects.get().condition == "gone"
    assert not stack_states.to_judge(limit=10)


def test_while_nothing_changes_little_is_read_and_nothing_written(lane: Lane, session: UUID) -> None:
    walk = StackWatch()
    tell(lane, session, *both(lane))
    for _ in range(3):
        walk.step(at=lane.now())
    with CaptureQueriesContext(connection) as asked:
        for _ in range(TURN_EVERY):
            assert walk.step(at=lane.now()) == 0
    statements = [each["sql"] for each in asked.captured_queries]
    assert not [sql for sql in statements if not sql.startswith(("SELECT", "\nSELECT"))]
    assert len(statements) / TURN_EVERY <= 10


def test_a_server_that_is_removed_takes_all_of_it_along(lane: Lane, session: UUID, time: Time) -> None:
    tell(lane, session)
    time.round()
    assert Incident.objects.exists()
    Agent.objects.filter(pk=lane.agent.id).update(revoked_at=datetime.now(UTC))
    machine_changes.remove_server(caller=lane.caller, server_id=lane.target.id)
    time.round(later_ms=UNKNOWN_MS)
    time.round(later_ms=UNKNOWN_MS)
    assert stack_list.list_stacks(caller=lane.caller).lines == ()
    assert not Incident.objects.exists()
    assert not StackState.objects.exists()
