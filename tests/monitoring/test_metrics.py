"""/metrics tells what is true of the installation, to who may know it, and never stops the work."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from agents.models import Agent, Server
from agents.states import CommandStage
from agents.types import StageReached
from axion_deploy.metrics import collector
from axion_deploy.metrics.collector import CACHE_SECONDS, Figures
from axion_deploy.metrics.server import MAX_CONNECTIONS, PROCESSES, MetricsServer, serve_metrics
from deployments import outbox_relay, queue
from deployments.models import NotificationDelivery, Project
from deployments.repositories.observation import stack_states
from deployments.repositories.observation.stack_states import JudgedState
from deployments.repositories.upkeep import figures
from deployments.scopes import Scope
from deployments.services.permissions import api_tokens
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import NOW
from tests.monitoring.scraping import Samples, ask, samples, served

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "a token of the monitoring"


def value(found: Samples, name: str, **labels: str) -> float | None:
    """Return the sample with exactly these labels; None when it is not told."""
    return found.get((name, frozenset(labels.items())))


@pytest.fixture
def lane(project: Project, server: Server) -> Lane:
    return Lane(owner=project.owner, project_id=project.pk, server=server, agent=factories.make_agent(server))


def judged(project: Project, server: Server, condition: str) -> None:
    state = JudgedState(condition=condition, since_ms=0, message="", services=(), number=0)
    stack_states.store(project_id=project.pk, server_id=server.id, state=state)


def test_what_is_there_is_told(lane: Lane, project: Project, server: Server) -> None:
    factories.make_agent(factories.make_server(lane.owner, name="gone"), seen=datetime.now(UTC) - timedelta(days=1))
    factories.make_incident(project, server)
    factories.make_deployment(project, server, at=datetime.now(UTC) - timedelta(minutes=1))
    judged(project, server, "degraded")
    found = samples()
    assert value(found, "axion_database_up") == 1
    assert value(found, "axion_process", process="reconciler") == 1
    assert value(found, "axion_agents", presence="online") == 1
    assert value(found, "axion_agents", presence="lost") == 1
    assert value(found, "axion_deployments", status="pending") == 1
    assert (value(found, "axion_deployments_oldest_waiting_seconds") or 0) >= 60
    assert value(found, "axion_stacks", state="degraded") == 1
    assert value(found, "axion_incidents_open", cause="gone", severity="critical") == 1
    assert (value(found, "process_resident_memory_bytes") or 0) > 0


def test_what_nobody_hears_of_is_unknown(lane: Lane, project: Project, server: Server) -> None:
    judged(project, server, "running")
    Agent.objects.update(last_seen_at=datetime.now(UTC) - timedelta(minutes=1))
    found = samples()
    assert value(found, "axion_stacks", state="unknown") == 1
    assert value(found, "axion_stacks", state="running") is None


def test_deployments_are_measured_where_they_end(lane: Lane) -> None:
    before = samples()
    started = lane.start(lane.ask())
    lane.report(started, StageReached(stage=CommandStage.BUILDING, percent=10, message=""))
    lane.report(started, StageReached(stage=CommandStage.DEPLOYING, percent=60, message=""))
    lane.succeed(started)
    lane.fail(lane.start(lane.ask()))
    after = samples()

    def more(name: str, **labels: str) -> float:
        return (value(after, name, **labels) or 0) - (value(before, name, **labels) or 0)

    assert more("axion_deployment_seconds_count", kind="deploy", outcome="success") == 1
    assert more("axion_deployment_seconds_count", kind="deploy", outcome="failed") == 1
    for stage, times in (("waiting", 2), ("building", 1), ("deploying", 1)):
        assert more("axion_deployment_stage_seconds_count", stage=stage, outcome="success") == times
    assert (
        value(after, "axion_outbox_waiting", outbox="browsers")
        == outbox_relay.lag_of(outbox=outbox_relay.outboxes()[0], at=NOW).waiting
    )
    assert value(after, "axion_outbox_lag_seconds", outbox="browsers") is not None


def test_what_is_not_stored_is_not_measured(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    started, before = lane.start(lane.ask()), samples()

    def refuse(**_: Any) -> None:
        raise DatabaseError("a fault of the test")

    monkeypatch.setattr("deployments.repositories.deployments.events.append", refuse)
    with pytest.raises(DatabaseError):
        lane.succeed(started)
    name, labels = "axion_deployment_seconds_count", {"kind": "deploy", "outcome": "success"}
    assert value(samples(), name, **labels) == value(before, name, **labels)


def test_the_outboxes_have_the_names_that_they_have_elsewhere() -> None:
    told = {figure.first for figure in figures.read() if figure.name == "outbox"}
    assert told == {*(outbox.name for outbox in outbox_relay.outboxes()), "notifications"}


def test_messages_that_are_due_are_an_outbox_and_those_that_failed_are_counted(
    project: Project, server: Server
) -> None:
    channel = factories.make_channel(project=project)
    now = datetime.now(UTC)
    for minutes, attempts in ((-5, 0), (-1, 2), (60, 3), (60, 0)):
        NotificationDelivery.objects.create(
            channel=channel, incident_id=uuid4(), kind="opened", content={}, state="waiting", attempts=attempts,
            created_at=now, due_at=now + timedelta(minutes=minutes),
        )  # fmt: skip
    NotificationDelivery.objects.create(
        channel=channel, incident_id=uuid4(), kind="opened", content={}, state="sent", created_at=now, due_at=now
    )
    found = samples()
    assert value(found, "axion_outbox_waiting", outbox="notifications") == 2
    assert 300 <= (value(found, "axion_outbox_lag_seconds", outbox="notifications") or 0) < 600
    assert value(found, "axion_notifications_retrying") == 2


def test_one_scrape_is_one_question_and_the_next_ones_none(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    figures_of_process = Figures(process="web", clock=lambda: now[0])
    monkeypatch.setattr(collector, "read_figures", figures.read)
    with CaptureQueriesContext(connection) as asked:
        list(figures_of_process.collect())
        now[0] += CACHE_SECONDS - 0.1
        list(figures_of_process.collect())
    assert len([query for query in asked if query["sql"].lstrip().startswith("SELECT")]) == 1
    now[0] += 0.2
    with CaptureQueriesContext(connection) as asked:
        list(figures_of_process.collect())
    assert len(asked) > 0


def test_a_database_that_is_away_yields_no_figures_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(collector, "read_figures", away)
    found = samples()
    assert value(found, "axion_database_up") == 0
    assert not [name for name, _ in found if name in {"axion_agents", "axion_stacks", "axion_deployments"}]


def test_a_redis_that_is_away_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    del settings
    monkeypatch.setattr(queue, "length", lambda: None)
    found = samples()
    assert value(found, "axion_redis_up") == 0
    assert value(found, "axion_queue_jobs", queue="deployments") is None


def test_jobs_that_wait_are_counted(lane: Lane) -> None:
    before = value(samples(), "axion_queue_jobs", queue="deployments") or 0
    lane.ask()
    assert value(samples(), "axion_queue_jobs", queue="deployments") == before + 1


PERSONS: dict[str, tuple[dict[str, str], int]] = {
    "monitoring": ({"Authorization": f"Bearer {TOKEN}"}, 200),
    "nobody": ({}, 401),
    "a wrong token": ({"Authorization": "Bearer something else"}, 401),
    "a beginning of it": ({"Authorization": f"Bearer {TOKEN[:-1]}"}, 401),
    "another scheme": ({"Authorization": f"Basic {TOKEN}"}, 401),
    "no ASCII": ({"Authorization": "Bearer \xff"}, 401),
}


@pytest.mark.parametrize("person", PERSONS)
def test_with_a_token_only_who_has_it_reads(person: str) -> None:
    headers, expected = PERSONS[person]
    with served(token=TOKEN) as port:
        status, text = ask(port, headers=headers)
    assert status == expected
    assert ("axion_" in text) == (expected == 200)


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("superuser", [False, True])
def test_what_opens_other_doors_opens_not_this_one(scope: Scope, superuser: bool) -> None:
    person = factories.make_user("alice", is_superuser=superuser)
    _, given = api_tokens.create_token(caller=caller_of(person), name="", scope=scope, days=1)
    with served(token=TOKEN) as port:
        for scheme in ("Bearer", "Token"):
            assert ask(port, headers={"Authorization": f"{scheme} {given}"}) == (401, "")


def test_without_a_token_names_that_lead_here_are_refused() -> None:
    with served() as port:
        assert ask(port)[0] == 200
        assert ask(port, headers={"Host": f"localhost:{port}"})[0] == 200
        assert ask(port, headers={"Host": "rebound.example"}) == (401, "")
        assert ask(port, path="/admin/") == (404, "")


@pytest.mark.parametrize("bind", ["0.0.0.0:9464", "[::]:9464", "10.1.2.3:9464", "example.org:9464"])
@pytest.mark.parametrize("token", ["", "short"])
def test_others_are_not_served_without_a_token(settings: Settings, bind: str, token: str) -> None:
    settings.AXION_METRICS_BIND, settings.AXION_METRICS_TOKEN = bind, token
    with pytest.raises(CommandError, match="AXION_METRICS_TOKEN"):
        serve_metrics(process="web")


@pytest.mark.parametrize("bind", ["9464", "127.0.0.1:", "127.0.0.1:port", "127.0.0.1:65535"])
def test_what_is_no_address_is_refused_by_name(settings: Settings, bind: str) -> None:
    settings.AXION_METRICS_BIND = bind
    with pytest.raises(CommandError, match="AXION_METRICS_BIND"):
        serve_metrics(process="web")


def test_a_port_that_is_taken_stops_nothing(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] - PROCESSES.index("gateway")
        settings.AXION_METRICS_BIND = f"127.0.0.1:{port}"
        assert serve_metrics(process="gateway") is None
    settings.AXION_METRICS_BIND = ""
    assert serve_metrics(process="gateway") is None


def test_each_process_has_a_port_of_its_own(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings.AXION_METRICS_BIND = f"127.0.0.1:{port - PROCESSES.index('publisher')}"
    server = serve_metrics(process="publisher")
    assert isinstance(server, MetricsServer)
    try:
        assert ask(port)[0] == 200
    finally:
        server.shutdown()
        server.server_close()


def test_callers_that_say_nothing_keep_nobody_out_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axion_deploy.metrics.server.MAX_SECONDS", 0.5)
    with served() as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(MAX_CONNECTIONS)]
        for each in silent:
            each.settimeout(30)
            assert each.recv(1) == b""
            each.close()
        assert ask(port)[0] == 200
