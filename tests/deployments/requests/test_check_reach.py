"""External nodes tried from a server: by whom, which addresses, and what becomes of the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db.models import F

from agents.command_types import EndpointReached
from agents.contracts.version import REACH_PROTOCOL
from agents.models import Agent, CommandRecord
from agents.states import CommandOutcome, CommandStatus
from agents.types import CommandFinished, Report
from axion_deploy import gateway_bindings
from deployments.data.reach_types import ReachRecord
from deployments.errors import Conflict, Forbidden, Invalid, NotFound, TooMuch
from deployments.models import ReachCheck, User
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.requests import check_reach
from deployments.types import Target, TargetKind
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import NOW

EXTERNAL = {"external": "true", "host": "db.example.org", "databaseType": "postgresql", "password": "hunter2-secret"}

API = {"external": "true", "host": "api.example.org", "scheme": "https"}


@pytest.fixture
def drawn(lane: Lane) -> Lane:
    """A service, a database and an API that lie elsewhere; the agent is there and knows how to try them."""
    nodes: list[dict[str, Any]] = [
        {"id": "n-web", "type": 1, "data": {"serviceName": "web", "config": {"image": "web:1"}}},
        {"id": "n-db", "type": 2, "data": {"serviceName": "db", "config": EXTERNAL}},
        {"id": "n-api", "type": 1, "data": {"serviceName": "api", "config": API}},
    ]
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph={"nodes": nodes, "edges": []})
    Agent.objects.filter(pk=lane.agent.id).update(
        session_id=uuid4(), protocol=REACH_PROTOCOL, last_seen_at=datetime.now(UTC)
    )
    return lane


def check(lane: Lane, *nodes: str, by: User | None = None, target: Target | None = None) -> ReachRecord:
    return check_reach.check_reach(
        caller=caller_of(by or lane.owner),
        project_id=lane.project_id,
        target=target or lane.target,
        check_id=uuid4(),
        nodes=nodes,
    )


def answer(lane: Lane, check_id: UUID, *endpoints: EndpointReached, **fields: Any) -> ReachCheck:
    body = CommandFinished(**{"outcome": CommandOutcome.SUCCEEDED, "endpoints": endpoints, **fields})
    ids = {"command_id": check_id, "deployment_id": check_id, "agent_id": lane.agent.id}
    gateway_bindings.on_report(report=Report(**ids, number=1, at=NOW, body=body))
    return ReachCheck.objects.get(pk=check_id)


def test_the_agent_is_told_addresses_and_no_secret_and_its_answer_is_kept(drawn: Lane) -> None:
    ordered = check(drawn)
    command = CommandRecord.objects.get(pk=ordered.id)
    assert command.kind == "check_reach"
    assert command.payload == {
        "endpoints": [
            {"node_id": "n-db", "host": "db.example.org", "port": 5432},
            {"node_id": "n-api", "host": "api.example.org", "port": 443},
        ]
    }
    assert "hunter2-secret" not in str(command.payload) + str(ReachCheck.objects.values_list())
    with pytest.raises(Conflict, match="already"):
        check(drawn)
    row = answer(
        drawn,
        ordered.id,
        EndpointReached(node_id="n-db", outcome="reached", message="accepted", milliseconds=12),
        EndpointReached(node_id="n-api", outcome="timed_out", message="No answer"),
        EndpointReached(node_id="n-of-nobody", outcome="reached"),
    )
    (kept,) = check_reach.list_checks(caller=drawn.caller, project_id=drawn.project_id)
    assert (row.state, kept.requested_by) == ("done", drawn.owner.username)
    assert [(line.name, line.outcome, line.milliseconds) for line in kept.lines] == [
        ("db", "reached", 12),
        ("api", "timed_out", 0),
    ]
    assert CommandRecord.objects.get(pk=ordered.id).status == CommandStatus.FINISHED


def test_only_drawn_external_nodes_can_be_tried(drawn: Lane) -> None:
    assert [line.name for line in check(drawn, "n-api").lines] == ["api"]
    for other in ("web", "192.168.0.1"):
        with pytest.raises(Invalid, match=other):
            check(drawn, other)
    drawn.store_graph(web="web:1")
    with pytest.raises(Invalid, match="no external node"):
        check(drawn)


def test_for_whoever_may_deploy_there(drawn: Lane, stranger: User) -> None:
    viewer = factories.make_user("vera")
    factories.add_member(factories.project_of(drawn.project_id), viewer, role="viewer")
    with pytest.raises(Forbidden):
        check(drawn, by=viewer)
    with pytest.raises(NotFound):
        check(drawn, by=stranger)
    with pytest.raises(NotFound):
        check_reach.list_checks(caller=caller_of(stranger), project_id=drawn.project_id)
    # A server of somebody who never let the project there tells nothing of its network.
    theirs = factories.make_server(stranger, name="theirs")
    with pytest.raises(NotFound):
        check(drawn, target=Target(kind=TargetKind.SERVER, id=theirs.id))
    assert not ReachCheck.objects.exists()


def test_a_few_times_a_minute_and_never_by_an_agent_that_cannot(drawn: Lane) -> None:
    Agent.objects.filter(pk=drawn.agent.id).update(protocol=REACH_PROTOCOL - 1)
    with pytest.raises(Conflict, match="too old"):
        check(drawn)
    Agent.objects.filter(pk=drawn.agent.id).update(last_seen_at=F("enrolled_at") - timedelta(days=1))
    with pytest.raises(Conflict, match="not connected"):
        check(drawn)
    with pytest.raises(TooMuch, match="6/min"):
        for _ in range(20):
            with pytest.raises(Conflict):
                check(drawn)


def test_an_order_that_nobody_answers_ends_and_a_late_word_settles_it(drawn: Lane) -> None:
    never_sent = check(drawn)
    ReachCheck.objects.update(deadline_at=F("requested_at"))
    assert check_reach.expire(at=NOW) == 1
    refused = ReachCheck.objects.get(pk=never_sent.id)
    assert (refused.state, refused.message) == ("refused", check_reach.NOT_SENT)
    assert CommandRecord.objects.get(pk=never_sent.id).status == CommandStatus.WITHDRAWN
    sent = check(drawn)
    CommandRecord.objects.filter(pk=sent.id).update(status=CommandStatus.SENT)
    ReachCheck.objects.filter(state="pending").update(deadline_at=F("requested_at"))
    assert check_reach.expire(at=NOW) == 1
    unknown = ReachCheck.objects.get(pk=sent.id)
    assert (unknown.state, unknown.message) == ("unknown", check_reach.NO_WORD)
    assert answer(drawn, sent.id, EndpointReached(node_id="n-db", outcome="refused")).state == "done"


def test_the_command_line_orders_one_and_says_so(drawn: Lane, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        call_command("deployments", "reach", str(drawn.project_id), "--no-wait", "--user", drawn.owner.username)
    assert "pending" in capsys.readouterr().out
    assert ReachCheck.objects.get().project_id == drawn.project_id
