"""A reconciler asks one question a round while nothing happens, and misses nothing of what does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Agent
from deployments.models import Deployment, Incident, Project, StackDrift, StackState
from deployments.repositories.upkeep import attention
from deployments.services.incidents.watch import CALM_TURN_SECONDS
from deployments.services.upkeep.rounds import CALM_AFTER, CALM_TIDY_SECONDS, Rounds
from deployments.states import Status
from tests.deployments.lane import Lane
from tests.deployments.observation.test_recording import both, session, tell

__all__ = ["session"]
SILENCE = timedelta(seconds=15)


class Reconciler:
    """Rounds a second apart by a clock of the test's."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.rounds = Rounds(clock=lambda: self.seconds)

    def round(self, number: int = 1) -> list[str]:
        """Return the statements of so many rounds."""
        with CaptureQueriesContext(connection) as asked:
            for _ in range(number):
                self.seconds += 1
                self.rounds.step(at=datetime.now(UTC))
        return [each["sql"] for each in asked.captured_queries]

    def calm_down(self) -> None:
        self.round(3)
        self.seconds += CALM_AFTER
        self.round(2)


@pytest.fixture
def reconciler(lane: Lane, session: UUID) -> Reconciler:
    """One that has long had nothing to do, with a stack that runs."""
    tell(lane, session, *both(lane))
    StackDrift.objects.update(due_at=None)
    found = Reconciler()
    found.calm_down()
    return found


def look() -> attention.Attention:
    return attention.look(silence=SILENCE, lost=SILENCE)


def test_a_round_in_which_nothing_happens_is_one_statement(reconciler: Reconciler) -> None:
    assert len(reconciler.round(10)) == 10
    longer = int(CALM_TIDY_SECONDS)
    assert len(reconciler.round(longer)) <= 2.5 * longer, "with housekeeping and walks over all stacks"


def test_a_stack_that_changes_is_judged_in_the_next_round(lane: Lane, session: UUID, reconciler: Reconciler) -> None:
    tell(lane, session)
    reconciler.round()
    assert StackState.objects.get().condition == "gone"


def test_what_only_time_tells_follows_as_soon_as_ever(lane: Lane, reconciler: Reconciler) -> None:
    Agent.objects.filter(pk=lane.agent.id).update(last_seen_at=datetime.now(UTC) - timedelta(minutes=5))
    before = look().presence
    assert len(reconciler.round(4)) > 8, "the walk goes on at once"
    Agent.objects.filter(pk=lane.agent.id).update(last_seen_at=datetime.now(UTC) + timedelta(hours=1))
    assert look().presence != before


def test_what_no_row_tells_is_seen_by_the_next_walk(lane: Lane, reconciler: Reconciler) -> None:
    full = {"engine_answers": True, "disk_total": 40 * 1024**3, "disk_free": 1024**3 // 4}
    Agent.objects.filter(pk=lane.agent.id).update(condition=full)
    reconciler.calm_down()
    Incident.objects.all().delete()
    reconciler.round(int(CALM_TURN_SECONDS) + 2)
    assert Incident.objects.get().cause == "disk_nearly_full"


def test_a_deployment_that_is_overdue_ends_in_the_next_round(lane: Lane, reconciler: Reconciler) -> None:
    overdue = lane.start(lane.ask(force_redeploy=True))
    Deployment.objects.filter(pk=overdue.id).update(deadline_at=datetime.now(UTC) - timedelta(hours=1))
    reconciler.round()
    assert Deployment.objects.get(pk=overdue.id).status == Status.FAILED


def stir_waiting(lane: Lane) -> None:
    lane.ask(force_redeploy=True)


def stir_working(lane: Lane) -> None:
    lane.start(lane.ask(force_redeploy=True))


def stir_comparing(_: Lane) -> None:
    StackDrift.objects.update(due_at=datetime.now(UTC))


def stir_soaking(_: Lane) -> None:
    StackDrift.objects.update(soak_until=datetime.now(UTC))


def stir_repairing(_: Lane) -> None:
    Project.objects.update(automatic_repair=True)
    StackDrift.objects.update(differences=[{"service": "web"}])


def stir_connecting(lane: Lane) -> None:
    Agent.objects.filter(pk=lane.agent.id).update(session_id=uuid4())


def stir_disk(lane: Lane) -> None:
    Agent.objects.filter(pk=lane.agent.id).update(condition={"disk_free": 1024**3})


def stir_images(lane: Lane) -> None:
    Agent.objects.filter(pk=lane.agent.id).update(missing_images=["sha256:gone"])


def stir_engine(lane: Lane) -> None:
    Agent.objects.filter(pk=lane.agent.id).update(condition={"engine_answers": False})


@pytest.mark.parametrize(
    ("stir", "part"),
    [
        (stir_waiting, "waiting"),
        (stir_working, "working"),
        (stir_comparing, "drifting"),
        (stir_soaking, "drifting"),
        (stir_repairing, "drifting"),
        (stir_connecting, "presence"),
        (stir_engine, "presence"),
        (stir_disk, "presence"),
        (stir_images, "presence"),
    ],
)
def test_one_question_tells_what_is_wanted(
    lane: Lane, reconciler: Reconciler, stir: Callable[[Lane], None], part: str
) -> None:
    before = look()
    assert not before.is_wanted
    stir(lane)
    after = look()
    assert getattr(after, part) != getattr(before, part)
    others = {"waiting", "working", "changed", "drifting"} - {part}
    assert [each for each in others if getattr(after, each)] == []


def test_a_question_that_fails_has_everything_looked_at(
    lane: Lane, session: UUID, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise ValueError

    monkeypatch.setattr(attention, "look", broken)
    tell(lane, session)
    reconciler.round()
    assert StackState.objects.get().condition == "gone"
