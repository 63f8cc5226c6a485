"""How many statements a report costs: a count that rises is felt by every deployment, and by nobody who tests one."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import CommandRecord
from agents.states import CommandStage, CommandStatus
from agents.types import LogWritten, Report, ReportBody, ServiceObserved, StageReached
from deployments.repositories import deployments, events
from deployments.services.lifecycle import agent_reports, command_ids, start
from deployments.services.requests.deploy import deploy_project
from deployments.services.upkeep.rounds import Rounds
from deployments.types import DeploymentRecord
from tests.deployments.lane import Lane
from tests.factories import NOW

pytestmark = pytest.mark.django_db

# The row and its lock, the ledger, the deployment with its event; the savepoints stand for the transaction.
USUAL = 3
# Of one that is asked for, of its start by a job, and of its last report with what the test itself reads.
ASKED, STARTED, ENDED = 22, 43, 28
UPDATED = re.compile(r'UPDATE "?(\w+)"? SET')
REPORTS: tuple[ReportBody, ...] = (
    StageReached(stage=CommandStage.DEPLOYING, percent=10, message="starting"),
    ServiceObserved(node_id="n-web", service_name="web", state="running", health="starting", replicas=1),
    LogWritten(service_name="web", source="agent", text="a line\n"),
)


@pytest.mark.parametrize("body", REPORTS, ids=[type(body).__name__ for body in REPORTS])
def test_a_report_costs_so_many_statements_and_changes_each_row_once(lane: Lane, body: ReportBody) -> None:
    deployment = lane.start(lane.ask())
    CommandRecord.objects.update(status=CommandStatus.SENT)
    # The first one proves that the command has arrived.
    lane.report(deployment, StageReached(stage=CommandStage.DEPLOYING, percent=1, message="before"))
    report = report_of(lane, deployment, body, number=2)
    with CaptureQueriesContext(connection) as asked:
        assert agent_reports.apply_report(report=report, at=lane.now()) == 2
    texts = _without_savepoints(asked)
    updated = UPDATED.findall(" ".join(texts))
    assert sorted(updated) == ["agent_commands", "deployments"], texts
    assert len([text for text in texts if "INSERT INTO" in text]) == 1
    assert len(texts) <= USUAL, texts


def test_what_waits_together_is_stored_in_one_transaction_in_its_order(lane: Lane) -> None:
    deployment = lane.start(lane.ask())
    CommandRecord.objects.update(status=CommandStatus.ACKNOWLEDGED)
    reports = reports_of(lane, deployment)
    before = deployments.get(deployment_id=deployment.id).last_sequence
    with CaptureQueriesContext(connection) as asked:
        assert agent_reports.apply_usual_reports(reports=reports, at=lane.now()) == len(reports)
    # No more than one of them alone costs.
    assert len(_without_savepoints(asked)) <= USUAL, _without_savepoints(asked)
    stored = events.after(deployment_id=deployment.id, sequence=before, limit=10)
    assert [event.type for event in stored] == [
        "deployment.stage_reached",
        "deployment.service_changed",
        "deployment.log_written",
    ]
    again = agent_reports.apply_usual_reports(reports=reports, at=lane.now())
    assert (again, deployments.get(deployment_id=deployment.id).last_sequence) == (3, before + 3)


def test_one_that_cannot_be_stored_leaves_nothing_of_those_beside_it(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = lane.start(lane.ask())
    reports = reports_of(lane, deployment)
    before = deployments.get(deployment_id=deployment.id)
    monkeypatch.setattr(agent_reports, "_with_log", broken)
    with pytest.raises(RuntimeError):
        agent_reports.apply_usual_reports(reports=reports, at=lane.now())
    assert deployments.get(deployment_id=deployment.id) == before
    monkeypatch.undo()
    assert agent_reports.apply_usual_reports(reports=reports, at=lane.now()) == len(reports)


def reports_of(lane: Lane, deployment: DeploymentRecord) -> list[Report]:
    return [report_of(lane, deployment, body, number=number) for number, body in enumerate(REPORTS, start=1)]


def report_of(lane: Lane, deployment: DeploymentRecord, body: ReportBody, *, number: int) -> Report:
    return Report(
        command_id=command_ids.deploy_command_id(deployment.id),
        deployment_id=deployment.id,
        agent_id=lane.agent.id,
        number=number,
        at=NOW,
        body=body,
    )


def broken(*_: object) -> None:
    raise RuntimeError("out of order")


def test_a_deployment_costs_so_many_statements_from_the_request_to_its_end(lane: Lane) -> None:
    lane.deployed()
    with CaptureQueriesContext(connection) as asked:
        deployment = deploy_project(caller=lane.caller, request=lane.request(), deployment_id=uuid4(), at=lane.now())
    assert len(_without_savepoints(asked)) <= ASKED, _without_savepoints(asked)
    assert UPDATED.findall(" ".join(_without_savepoints(asked))).count("deployments") == 0
    with CaptureQueriesContext(connection) as started:
        start.run_deployment(deployment_id=deployment.id, at=lane.now())
    assert len(_without_savepoints(started)) <= STARTED, _without_savepoints(started)
    with CaptureQueriesContext(connection) as ended:
        lane.succeed(deployment)
    assert len(_without_savepoints(ended)) <= ENDED, _without_savepoints(ended)
    assert UPDATED.findall(" ".join(_without_savepoints(ended))).count("deployments") == 1


def test_a_round_of_the_reconciler_beside_work_asks_once(lane: Lane) -> None:
    rounds = Rounds()
    lane.deployed()
    rounds.step(at=NOW)
    lane.start(lane.ask())
    for _ in range(2):
        rounds.step(at=NOW)
    with CaptureQueriesContext(connection) as asked:
        rounds.step(at=NOW)
        rounds.step(at=NOW)
    texts = _without_savepoints(asked)
    # Nobody looks for deadlines and lost agents where the one look says that there are none.
    assert not [text for text in texts if "agent_gateways" in text], texts
    assert len([text for text in texts if text == "SELECT statement_timestamp()"]) <= 2, texts


def _without_savepoints(asked: CaptureQueriesContext) -> list[str]:
    return [each["sql"] for each in asked.captured_queries if "SAVEPOINT" not in each["sql"]]
