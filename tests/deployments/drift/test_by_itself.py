"""Automatic repairs with their guard against loops, and successes that are rolled back when they do not last."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from agents.models import Agent
from deployments.models import Deployment, ObservedStack, Project, StackDrift
from deployments.repositories.observation import stack_drifts
from deployments.services.queries import lane_view
from deployments.services.upkeep import watch_stacks
from deployments.states import Kind, Status
from tests import factories
from tests.deployments.drift.stage import SETUP, Stage

LASTED = 10


def automatic(stage: Stage) -> list[Deployment]:
    watch_stacks.watch(at=stage.lane.now())
    return list(Deployment.objects.exclude(cause=None).order_by("created_at"))


def row(stage: Stage) -> stack_drifts.DriftRow:
    found = stack_drifts.find(project_id=stage.lane.project_id, server_id=stage.lane.server.id)
    assert found is not None
    return found


@pytest.fixture
def repairing(stage: Stage) -> Stage:
    stage.settings(automatic_repair=True, repairs_per_hour=2)
    return stage


def repaired(stage: Stage) -> Deployment:
    """Return the repair that the product asked for, proven."""
    asked = automatic(stage)[-1]
    stage.prove(stage.lane.start(factories.reload(asked.pk)))
    return asked


def test_nothing_is_repaired_by_itself_unless_the_project_says_so(stage: Stage) -> None:
    stage.set_env("web")
    stage.age(LASTED)
    assert automatic(stage) == []


def test_what_lasts_is_repaired_once(repairing: Stage) -> None:
    repairing.set_env("web")
    assert automatic(repairing) == [], "it may be gone in a moment"
    repairing.age(LASTED)
    (asked,) = automatic(repairing)
    assert (asked.kind, asked.renews, asked.requested_by) == (Kind.REPAIR, ["web"], repairing.lane.owner)
    assert "web: environment" in str(asked.cause)
    assert len(automatic(repairing)) == 1, "it waits for its turn"
    repaired(repairing)
    assert (repairing.drift(), len(automatic(repairing))) == ((), 1)


@pytest.mark.parametrize("why", ["left", "silent"])
def test_what_is_left_or_not_known_is_not_repaired(repairing: Stage, why: str) -> None:
    repairing.set_env("web")
    repairing.age(LASTED)
    if why == "left":
        StackDrift.objects.update(
            differences=[{**each, "left_by": "ann"} for each in StackDrift.objects.get().differences]
        )
    else:
        Agent.objects.update(session_id=None)
    assert automatic(repairing) == []


def test_repairs_that_do_not_last_end_and_say_so_until_a_person_acts(repairing: Stage) -> None:
    for number in range(3):
        repairing.change("web", settings={**SETUP, "env": f"again {number}"})
        repairing.age(LASTED)
        if number < 2:
            repaired(repairing)
    assert len(automatic(repairing)) == 2
    assert "2 repairs within an hour did not last" in row(repairing).repairs_message
    (shape,) = lane_view.seen_shapes(caller=repairing.lane.caller, project_id=repairing.lane.project_id).values()
    assert "has stopped" in shape["drift"]["repairsStopped"]
    Deployment.objects.update(created_at=F("created_at") - timedelta(hours=2))
    assert len(automatic(repairing)) == 2, "time alone begins nothing again"
    repairing.prove(repairing.lane.start(repairing.lane.ask()))
    assert row(repairing).repairs_message == ""
    repairing.set_env("web")
    repairing.age(LASTED)
    assert len(automatic(repairing)) == 3


def soaking(stage: Stage, **minutes: int) -> Stage:
    """A second version was deployed, and is watched."""
    stage.settings(soak_minutes=minutes.get("minutes", 5))
    stage.deploy(web="web:2", db="db:1")
    stage.age(LASTED)
    watch_stacks.watch(at=stage.lane.now())
    return stage


LOOP: dict[str, Any] = {"state": "restarting", "restarts": 3, "exit_code": 3}


@pytest.mark.parametrize(
    "facts", [LOOP, {"health": "unhealthy"}, {"state": "exited", "exit_code": 1, "restarts_itself": False}]
)
def test_a_success_that_degrades_by_itself_is_rolled_back_and_names_its_evidence(
    stage: Stage, facts: dict[str, Any]
) -> None:
    soaking(stage)
    degraded = stage.last()
    stage.change("web", **facts)
    observed = ObservedStack.objects.get()
    ObservedStack.objects.update(changed={name: since - 10_000 for name, since in observed.changed.items()})
    (rollback,) = automatic(stage)
    assert (rollback.kind, rollback.rollback_of_id) == (Kind.ROLLBACK, degraded.id)
    assert (rollback.cause or {})["evidence"][0]["service"] == "web"
    assert "Rolled back by itself" in str(rollback.cause)
    assert row(stage).soak_until is None
    stage.prove(stage.lane.start(factories.reload(rollback.pk)), started=True)
    assert factories.reload(degraded.id).status is Status.ROLLED_BACK
    assert len(automatic(stage)) == 1


@pytest.mark.parametrize("touch", ["stop", "rm", "pause"])
def test_what_people_do_on_the_server_rolls_nothing_back(stage: Stage, touch: str) -> None:
    soaking(stage)
    if touch == "rm":
        stage.remove("db")
    else:
        stage.change("db", state="exited" if touch == "stop" else "paused")
    assert automatic(stage) == []
    # What hangs on it fails because of that.
    stage.change("web", **LOOP)
    assert automatic(stage) == []
    assert "somebody changed the stack" in row(stage).soak_message


def test_after_its_minutes_a_success_is_left_alone(stage: Stage) -> None:
    soaking(stage, minutes=1)
    stage.age(120)
    assert automatic(stage) == []
    assert row(stage).soak_until is None
    stage.change("web", **LOOP)
    assert automatic(stage) == []


def test_without_an_earlier_success_it_says_that_there_is_nothing_to_go_back_to(lane: Any) -> None:
    stage = Stage(lane)
    stage.connect()
    Project.objects.filter(pk=lane.project_id).update(soak_minutes=5)
    stage.deploy()
    stage.age(LASTED)
    watch_stacks.watch(at=lane.now())
    stage.change("web", **LOOP)
    assert automatic(stage) == []
    assert "no earlier version" in row(stage).soak_message


def test_while_nobody_can_know_nothing_is_rolled_back(stage: Stage) -> None:
    soaking(stage)
    stage.change("web", **LOOP)
    Agent.objects.update(session_id=None)
    assert automatic(stage) == []
    assert row(stage).soak_until is not None
