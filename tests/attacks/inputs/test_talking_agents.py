"""The owner of a server says through its agent whatever, at any length: run by a user with a server of their own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_MESSAGE_BYTES, MIB
from agents.transport.agent_session import AgentSession
from agents.transport.intake import report_intake
from agents.transport.wire import codec
from deployments import outbox_relay
from deployments.kafka import event_stream
from deployments.models import DeploymentEvent, Project
from deployments.repositories import events
from deployments.repositories.events import MAX_READ_BYTES, Mark
from deployments.services.lifecycle import agent_reports, command_ids
from tests import factories
from tests.agents.test_report_bounds import reports
from tests.factories import NOW

pytestmark = pytest.mark.django_db


class Talker:
    """One deployment in progress, and its agent."""

    def __init__(self, project: Project) -> None:
        server = factories.make_server(project.owner, name=uuid4().hex)
        self.agent = factories.make_agent(server)
        self.deployment = factories.make_deployment(project, server)
        factories.start_deployment(self.deployment, self.agent)
        self.number = 0

    def say(self, report: pb.Report) -> int:
        """The highest number that is stored then."""
        self.number += 1
        told = pb.Report()
        told.CopyFrom(report)
        told.command_id = str(command_ids.deploy_command_id(self.deployment.id))
        told.deployment_id, told.number = str(self.deployment.id), self.number
        return agent_reports.apply_report(report=codec.report_from_wire(told, agent_id=self.agent.id), at=NOW)


@pytest.fixture
def talker(project: Project) -> Talker:
    return Talker(project)


def stage(percent: int, *, message: str = "") -> pb.Report:
    return pb.Report(stage=pb.StageReached(stage=common_pb2.DEPLOYING, percent=percent, message=message))


def log(text: str) -> pb.Report:
    return pb.Report(log=pb.LogWritten(source="build", text=text))


def page(api: APIClient, talker: Talker, *, after: int = 0, limit: int = 500) -> Any:
    answer = api.get(f"/api/deployments/{talker.deployment.id}/events?after={after}&limit={limit}")
    assert answer.status_code == 200, answer.content
    return answer


def test_mebibytes_in_every_text_are_stored_as_kilobytes(talker: Talker, owner_api: APIClient) -> None:
    long = "x" * (4 * MIB)
    for percent in range(20, 28):
        assert talker.say(stage(percent, message=long)) == talker.number
    error = pb.ServiceObserved(node_id="n-web", service_name="web", state="exited", error_message=long)
    assert talker.say(pb.Report(service=error)) == talker.number
    assert len(page(owner_api, talker, limit=20).content) < 20 * 2 * MAX_MESSAGE_BYTES
    found = owner_api.get(f"/api/deployments/{talker.deployment.id}")
    assert len(found.content) < 4 * MAX_MESSAGE_BYTES
    talker.say(pb.Report(finished=pb.CommandFinished(outcome=pb.FAILED, message=long, log_tail=[long] * 50)))
    ended = factories.reload(talker.deployment.id)
    assert (ended.status, len(ended.log_tail)) == ("failed", 30)
    assert len(ended.message) <= MAX_MESSAGE_BYTES


def test_the_same_progress_again_is_no_event(talker: Talker) -> None:
    talker.say(stage(40))
    before = DeploymentEvent.objects.count()
    for _ in range(50):
        assert talker.say(stage(40, message="again")) == talker.number
        assert talker.say(stage(10, message="back")) == talker.number
    assert DeploymentEvent.objects.count() == before


def test_a_deployment_tells_only_so_much_until_it_has_ended(talker: Talker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_reports, "MAX_EVENTS", 30)
    for turn in range(60):
        state = pb.ServiceObserved(node_id="n-web", service_name="web", state=("starting", "exited")[turn % 2])
        assert talker.say(pb.Report(service=state)) == talker.number
        talker.say(log("line\n"))
    assert factories.reload(talker.deployment.id).last_sequence == 31
    assert "the rest is left out" in DeploymentEvent.objects.order_by("-sequence")[0].payload["text"]
    talker.say(pb.Report(finished=pb.CommandFinished(outcome=pb.FAILED, reason="build", message="no")))
    assert factories.reload(talker.deployment.id).status == "failed"


def test_events_are_answered_by_bytes_and_read_on_without_a_gap(talker: Talker, owner_api: APIClient) -> None:
    for _ in range(60):
        talker.say(log("y" * 60_000))
    after, seen, answers = 0, [], 0
    while True:
        answer = page(owner_api, talker, after=after)
        assert len(answer.content) < MAX_READ_BYTES + 200_000
        seen += [event["sequence"] for event in answer.json()["events"]]
        answers += 1
        if not (after := answer.json()["next"]):
            break
    assert seen == list(range(1, factories.reload(talker.deployment.id).last_sequence + 1))
    assert answers > 2


def test_the_publisher_reads_no_more_at_once(talker: Talker) -> None:
    for _ in range(60):
        talker.say(log("y" * 60_000))
    batches, marked = [], 0
    while batch := events.unpublished(mark=Mark.BROWSERS, limit=outbox_relay.BATCH).batch:
        batches.append(sum(len(event_stream.value_of(record, stream=event_stream.DEPLOYMENTS)) for _, record in batch))
        events.mark_published(mark=Mark.BROWSERS, positions=[position for position, _ in batch], at=NOW)
        marked += len(batch)
    assert max(batches) < MAX_READ_BYTES + 200_000
    assert marked == DeploymentEvent.objects.count()


async def test_commands_that_it_makes_up_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_intake, "MAX_FORGOTTEN", 3)

    async def not_here(*_: Any, **__: Any) -> bool:
        return False

    session = AgentSession(session_id=uuid4(), agent=cast("Any", SimpleNamespace(id=uuid4(), certified=False)))
    threads = cast("Any", SimpleNamespace(run=not_here))
    taking = report_intake.ReportApplier(
        session=session,
        threads=threads,
        on_report=cast("Any", agent_reports.apply_report),
        on_usual_reports=cast("Any", agent_reports.apply_usual_reports),
        on_finished=lambda: None,
    )
    drain = asyncio.create_task(taking.drain())
    for _ in range(10):
        made_up = log("line\n")
        made_up.command_id, made_up.deployment_id, made_up.number = str(uuid4()), str(uuid4()), 1
        await session.incoming.put(pb.FromAgent(report=made_up))
    answered = {(await session.outgoing.get()).reports_acknowledged.command_id for _ in range(10)}
    drain.cancel()
    assert len(answered) == 10
    assert len(taking._forgotten) <= 3


# What fails is shown as it came: making it smaller would take the database minutes.
@settings(
    max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(told=st.lists(reports, min_size=1, max_size=6))
def test_whatever_an_agent_says_no_report_is_lost_and_none_holds_up_the_next(told: list[pb.Report]) -> None:
    owner = factories.make_user(uuid4().hex)
    talker = Talker(factories.make_project(owner))
    for report in told:
        assert talker.say(report) == talker.number
    assert talker.say(log("the last\n")) == talker.number
    now = factories.reload(talker.deployment.id)
    stored = [event.sequence for event in events.after(deployment_id=now.id, sequence=0, limit=500)]
    assert stored == list(range(1, now.last_sequence + 1))
    if now.status in ("in_progress", "rolling_back"):
        assert (
            DeploymentEvent.objects.get(deployment_id=now.id, sequence=now.last_sequence).payload["text"]
            == "the last\n"
        )
