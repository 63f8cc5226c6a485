"""How many statements a report costs: a count that rises is felt by every deployment, and by nobody who tests one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import CommandRecord
from agents.states import CommandStage, CommandStatus
from agents.types import LogWritten, Report, ReportBody, ServiceObserved, StageReached
from deployments.services.lifecycle import agent_reports, command_ids
from tests.deployments.lane import Lane
from tests.factories import NOW

pytestmark = pytest.mark.django_db

# The row's lock and the row, the ledger, the deployment and its event; the savepoints stand for the transaction.
USUAL = 5
REPORTS: tuple[tuple[ReportBody, int], ...] = (
    (StageReached(stage=CommandStage.DEPLOYING, percent=10, message="starting"), USUAL),
    (ServiceObserved(node_id="n-web", service_name="web", state="running", health="starting", replicas=1), USUAL),
    # How much log there is already.
    (LogWritten(service_name="web", source="agent", text="a line\n"), USUAL + 1),
)


@pytest.mark.parametrize(("body", "most"), REPORTS, ids=[type(body).__name__ for body, _ in REPORTS])
def test_a_report_costs_so_many_statements_and_changes_each_row_once(lane: Lane, body: ReportBody, most: int) -> None:
    deployment = lane.start(lane.ask())
    CommandRecord.objects.update(status=CommandStatus.SENT)
    # The first one proves that the command has arrived.
    lane.report(deployment, StageReached(stage=CommandStage.DEPLOYING, percent=1, message="before"))
    report = Report(
        command_id=command_ids.deploy_command_id(deployment.id),
        deployment_id=deployment.id,
        agent_id=lane.agent.id,
        number=2,
        at=NOW,
        body=body,
    )
    with CaptureQueriesContext(connection) as asked:
        assert agent_reports.apply_report(report=report, at=lane.now()) == 2
    texts = [each["sql"] for each in asked.captured_queries if "SAVEPOINT" not in each["sql"]]
    updated = [text.split('"')[1] for text in texts if text.startswith("UPDATE")]
    assert sorted(updated) == ["agent_commands", "deployments"], texts
    assert len([text for text in texts if text.startswith("INSERT")]) == 1
    assert len(texts) <= most, texts
