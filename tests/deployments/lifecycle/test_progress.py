"""Reports of agents become status, stages, services and log: once each, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from agents.models import Agent, Server
from agents.runner.planning import progress
from agents.states import CommandOutcome, CommandStage
from agents.types import CommandFinished, LogWritten, Report, RestoreStarted, ServiceObserved, StageReached
from deployments.models import Deployment, DeploymentEvent, DeploymentHistory, Project
from deployments.repositories.deployments import Outcome as Settled
from deployments.services.lifecycle import agent_reports, cancel, command_ids, finish
from deployments.services.permissions.access import caller_of
from deployments.states import HANDED_OVER_PERCENT, Reason, Stage, Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.factories import NOW

HEALTHY = tuple(
    ServiceObserved(
        node_id=f"n-{name}",
        service_name=name,
        state="running",
        health="healthy",
        image_digest=f"sha256:{name}",
        healthy_replicas=1,
    )
    for name in ("web", "db")
)


@dataclass
class Line:
    """An agent's reports of one command, numbered as they are sent."""

    agent: Agent
    deployment: Deployment
    command_id: UUID
    number: int = field(default=0)

    def send(self, body: object, *, number: int | None = None) -> int:
        self.number = self.number + 1 if number is None else number
        report = Report(
            command_id=self.command_id,
            deployment_id=self.deployment.id,
            agent_id=self.agent.id,
            number=self.number,
            at=NOW,
            body=body,  # type: ignore[arg-type]  # the tests below name the bodies
        )
        return agent_reports.apply_report(report=report, at=NOW)

    def now(self) -> DeploymentRecord:
        return factories.reload(self.deployment.id)


@pytest.fixture
def line(project: Project, server: Server, agent: Agent) -> Line:
    deployment = factories.make_deployment(project, server)
    factories.start_deployment(deployment, agent)
    return Line(agent=agent, deployment=deployment, command_id=command_ids.deploy_command_id(deployment.id))


def test_a_proven_success_is_a_success_with_history(line: Line) -> None:
    line.send(StageReached(stage=CommandStage.DEPLOYING, percent=60))
    line.send(CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=HEALTHY))
    now = line.now()
    assert (now.status, now.stage, now.progress) == (Status.SUCCESS, "completed", 100)
    assert {state.image_digest for state in now.services} == {"sha256:web", "sha256:db"}
    kept = DeploymentHistory.objects.get()
    assert kept.version == "v1"
    assert kept.deployment_snapshot["images"] == {"web": "sha256:web", "db": "sha256:db"}


@pytest.mark.parametrize(
    "broken",
    [
        {"state": "exited"},
        {"health": "unhealthy"},
        {"health": "starting"},
        {"image_digest": ""},
    ],
)
def test_a_success_that_is_not_proven_is_a_failure(line: Line, broken: dict[str, str]) -> None:
    web = ServiceObserved(
        **{  # type: ignore[arg-type]  # all fields given are text
            "node_id": "n-web",
            "service_name": "web",
            "state": "running",
            "health": "healthy",
            "image_digest": "sha256:web",
            **broken,
        }
    )
    line.send(CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=(web, HEALTHY[1])))
    assert line.now().status is Status.FAILED
    assert "web" in line.now().message


def test_a_success_that_forgets_a_service_is_a_failure(line: Line) -> None:
    line.send(CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=HEALTHY[:1]))
    assert line.now().status is Status.FAILED
    assert not DeploymentHistory.objects.exists()


def test_a_repeated_report_changes_nothing(line: Line) -> None:
    assert line.send(LogWritten(service_name="", source="build", text="once\n")) == 1
    assert line.send(LogWritten(service_name="", source="build", text="once\n"), number=1) == 1
    assert DeploymentEvent.objects.filter(type="deployment.log_written").count() == 1


def test_a_report_after_a_gap_waits_for_the_missing_one(line: Line) -> None:
    assert line.send(LogWritten(service_name="", source="build", text="2\n"), number=2) == 0
    assert not DeploymentEvent.objects.filter(type="deployment.log_written").exists()


def test_progress_never_falls(line: Line) -> None:
    line.send(StageReached(stage=CommandStage.DEPLOYING, percent=70))
    line.send(StageReached(stage=CommandStage.DEPLOYING, percent=40))
    assert line.now().progress == 70


def test_that_the_agent_has_begun_is_an_event_of_its_own(line: Line) -> None:
    handed_over = {"stage": Stage.BUILDING, "progress": HANDED_OVER_PERCENT}
    Deployment.objects.filter(pk=line.deployment.id).update(**handed_over)
    line.send(StageReached(stage=CommandStage.BUILDING, percent=progress.BEGUN, message="Agent started."))
    told = DeploymentEvent.objects.filter(deployment=line.deployment, type="deployment.stage_reached")
    assert [event.payload["message"] for event in told.order_by("sequence")] == ["Agent started."]


def test_only_our_proof_makes_it_a_hundred_per_cent(line: Line) -> None:
    line.send(StageReached(stage=CommandStage.COMPLETED, percent=100))
    assert (line.now().progress, line.now().status) == (99, Status.IN_PROGRESS)


def test_a_failure_names_service_and_last_lines(line: Line) -> None:
    line.send(
        CommandFinished(
            outcome=CommandOutcome.RESTORED, reason="unhealthy", message="web", failed_service="web", log_tail=("boom",)
        )
    )
    now = line.now()
    assert (now.status, now.reason, now.failed_service, now.log_tail) == (
        Status.FAILED,
        Reason.UNHEALTHY,
        "web",
        ("boom",),
    )


def test_a_restored_stack_is_rolled_back(line: Line) -> None:
    line.send(RestoreStarted(reason="unhealthy", message="web never became healthy", failed_service="web"))
    assert line.now().status is Status.ROLLING_BACK
    line.send(CommandFinished(outcome=CommandOutcome.RESTORED, reason="unhealthy", previous_stack_running=True))
    assert (line.now().status, line.now().reason) == (Status.ROLLED_BACK, Reason.UNHEALTHY)


def test_a_failed_restore_is_said(line: Line) -> None:
    line.send(RestoreStarted(reason="unhealthy"))
    line.send(CommandFinished(outcome=CommandOutcome.FAILED, reason="apply", message="the image is gone"))
    assert (line.now().status, line.now().message) == (Status.FAILED, "the image is gone")


def test_a_late_return_changes_nothing_that_a_person_decided(line: Line) -> None:
    finish.mark_failed(
        deployment_id=line.deployment.id,
        outcome=Settled(reason=Reason.CANCELLED, message="gone"),
        at=NOW,
    )
    before = line.now()
    assert line.send(CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=HEALTHY)) == 1
    assert line.now() == before


def test_a_cancel_is_done_when_the_agent_has_proven_it(line: Line) -> None:
    caller = caller_of(line.deployment.requested_by)
    cancel.cancel_deployment(caller=caller, deployment_id=line.deployment.id, at=NOW)
    cancel.cancel_deployment(caller=caller, deployment_id=line.deployment.id, at=NOW)
    line.send(CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=HEALTHY))
    assert line.now().status is Status.IN_PROGRESS
    revert = Line(line.agent, line.deployment, command_ids.revert_command_id(line.deployment.id))
    revert.send(CommandFinished(outcome=CommandOutcome.RESTORED))
    now = line.now()
    assert (now.status, now.reason) == (Status.FAILED, Reason.CANCELLED)
    assert "alice" in now.message
    assert DeploymentEvent.objects.filter(type="deployment.cancel_requested").count() == 1


def test_the_log_is_bounded_and_says_so(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_reports, "MAX_LOG_BYTES", 10)
    for text in ("12345678\n", "12345678\n", "12345678\n"):
        line.send(LogWritten(service_name="web", source="service", text=text))
    texts = [event.payload["text"] for event in DeploymentEvent.objects.filter(type="deployment.log_written")]
    assert len(texts) == 2
    assert "rest is left out" in texts[1]


def test_event_sequences_have_no_gap(line: Line) -> None:
    for percent in (10, 20, 30):
        line.send(StageReached(stage=CommandStage.BUILDING, percent=percent))
    line.send(CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=HEALTHY))
    sequences = list(DeploymentEvent.objects.order_by("sequence").values_list("sequence", flat=True))
    assert sequences == list(range(1, len(sequences) + 1))
