"""What an agent sees is stored stack by stack, believed only where it belongs, and shown only while it can be known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.contracts.version import OBSERVING_PROTOCOL
from agents.models import Agent
from agents.reports.observation import ContainerSeen, HostObserved
from deployments import live_updates
from deployments.models import ObservedStack
from deployments.rules.observed import SeenStack
from deployments.services.observation import record
from deployments.services.queries import lane_view
from deployments.services.requests import make_plan, stop
from tests import factories
from tests.deployments.lane import Lane


@pytest.fixture
def session(lane: Lane) -> UUID:
    """The agent's, which tells what runs; a stack of two services was deployed."""
    session_id = uuid4()
    Agent.objects.filter(pk=lane.agent.id).update(session_id=session_id, protocol=OBSERVING_PROTOCOL)
    lane.store_graph(web="web:1", db="db:1")
    lane.deployed()
    return session_id


def container(lane: Lane, service: str, **facts: Any) -> ContainerSeen:
    usual: dict[str, Any] = {"state": "running", "health": "healthy", "restarts_itself": True}
    return ContainerSeen(
        **{
            "id": f"{service:0<12}",
            "name": f"s-{service}-1",
            "stack_name": "s",
            "project_id": lane.project_id,
            "deployment_id": "",
            "node_id": f"n-{service}",
            "service_name": service,
            "image_id": f"sha256:{service}:1",
            **usual,
            **facts,
        }
    )


def tell(lane: Lane, session_id: UUID, *containers: ContainerSeen) -> None:
    record.record_observation(
        observation=HostObserved(agent_id=lane.agent.id, session_id=session_id, containers=containers)
    )


def seen(lane: Lane) -> SeenStack:
    (view,) = lane_view.view_lanes(caller=lane.caller, project_id=lane.project_id)
    assert view.seen is not None
    return view.seen


def both(lane: Lane) -> tuple[ContainerSeen, ContainerSeen]:
    return container(lane, "web"), container(lane, "db")


def test_a_container_that_was_removed_behind_our_back_is_said(lane: Lane, session: UUID) -> None:
    web, db = both(lane)
    tell(lane, session, web, db)
    assert seen(lane).state.condition == "running"
    tell(lane, session, db)
    assert (seen(lane).state.condition, seen(lane).state.message) == ("degraded", "web: its container is missing.")
    tell(lane, session, web, db)
    assert seen(lane).state.condition == "running"


def test_since_when_it_is_so_is_kept_while_nothing_changes(lane: Lane, session: UUID) -> None:
    tell(lane, session, *both(lane))
    before = ObservedStack.objects.get()
    tell(lane, session, *reversed(both(lane)))
    after = ObservedStack.objects.get()
    assert (after.number, after.changed, after.changed_at) == (before.number, before.changed, before.changed_at)
    tell(lane, session, replace(both(lane)[0], state="exited"), both(lane)[1])
    changed = ObservedStack.objects.get().changed
    assert changed["web"] > before.changed["web"]
    assert changed["db"] == before.changed["db"]


@pytest.mark.parametrize("skew", [0, 600_000, -600_000])
def test_since_when_it_is_so_is_true_whatever_the_clock_of_the_host_says(lane: Lane, session: UUID, skew: int) -> None:
    Agent.objects.filter(pk=lane.agent.id).update(clock_skew_ms=skew)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    started, ended = now_ms - 3_600_000, now_ms - 1_800_000
    web, db = both(lane)
    dead: dict[str, Any] = {"state": "exited", "finished_at_ms": ended + skew, "started_at_ms": started + skew}
    tell(lane, session, replace(web, **dead), replace(db, started_at_ms=started + skew))
    assert ObservedStack.objects.get().changed == {"web": ended, "db": started}
    # The skew of the next session is never quite the same: nothing has happened all the same.
    Agent.objects.filter(pk=lane.agent.id).update(clock_skew_ms=skew + 900)
    tell(lane, session, replace(web, **dead), replace(db, started_at_ms=started + skew))
    assert ObservedStack.objects.get().number == 1


def test_a_container_that_was_started_anew_by_hand_runs_since_then(lane: Lane, session: UUID) -> None:
    Agent.objects.filter(pk=lane.agent.id).update(clock_skew_ms=0)
    web, db = both(lane)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    tell(lane, session, replace(web, started_at_ms=now_ms - 900_000), db)
    tell(lane, session, replace(web, started_at_ms=now_ms - 60_000), db)
    assert ObservedStack.objects.get().changed["web"] == now_ms - 60_000
    tell(lane, session, replace(web, started_at_ms=now_ms - 60_000, health="unhealthy"), db)
    assert ObservedStack.objects.get().changed["web"] >= now_ms


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"last_seen_at": datetime.now(UTC) - timedelta(minutes=2)}, "the server's agent is silent"),
        ({"protocol": OBSERVING_PROTOCOL - 1}, "too old"),
        ({"condition": {"engine_answers": False}}, "Docker on the server does not answer"),
        ({"session_id": uuid4()}, "has not told what runs since it connected"),
        ({"session_id": None}, "has not told what runs since it connected"),
        ({"revoked_at": datetime.now(UTC)}, "no agent is enrolled"),
    ],
)
def test_who_cannot_know_says_so(lane: Lane, session: UUID, facts: dict[str, Any], why: str) -> None:
    tell(lane, session, *both(lane))
    Agent.objects.filter(pk=lane.agent.id).update(**facts)
    state = seen(lane).state
    assert state.condition == "unknown"
    assert why in state.message
    assert state.services == ()


def test_a_session_that_no_longer_speaks_for_the_agent_changes_nothing(lane: Lane, session: UUID) -> None:
    tell(lane, session, *both(lane))
    tell(lane, uuid4())
    assert seen(lane).state.condition == "running"


def test_an_agent_is_believed_only_about_projects_of_its_server(lane: Lane, session: UUID) -> None:
    elsewhere = factories.make_project(lane.owner, name="Elsewhere")
    stray = replace(both(lane)[0], id="f" * 12, project_id=elsewhere.id)
    nowhere = replace(stray, id="e" * 12, project_id=uuid4())
    nobody = replace(stray, id="d" * 12, project_id=None)
    tell(lane, session, *both(lane), stray, nowhere, nobody)
    assert list(ObservedStack.objects.values_list("project_id", flat=True)) == [lane.project_id]


def test_a_stack_that_was_stopped_by_us_is_not_missed(lane: Lane, session: UUID) -> None:
    tell(lane, session, *both(lane))
    asked = stop.stop_project(
        caller=lane.caller,
        project_id=lane.project_id,
        target=lane.target,
        deployment_id=uuid4(),
        at=lane.now(),
    )
    lane.succeed(lane.start(asked))
    tell(lane, session)
    assert seen(lane).state.condition == "nothing"


def test_while_a_deployment_works_nothing_is_alarming(lane: Lane, session: UUID) -> None:
    tell(lane, session, *both(lane))
    lane.start(lane.ask(force_redeploy=True))
    tell(lane, session, both(lane)[1])
    assert (seen(lane).state.condition, seen(lane).state.message) == ("deploying", "")


def test_pages_are_woken_when_something_changed_and_only_then(
    lane: Lane, session: UUID, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    woken: list[UUID] = []
    monkeypatch.setattr(live_updates, "wake_projects", woken.extend)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            tell(lane, session, *both(lane))
    assert woken == [lane.project_id]
    with django_capture_on_commit_callbacks(execute=True):
        tell(lane, session)
    assert woken == [lane.project_id] * 2


def test_a_plan_starts_again_what_is_down_and_keeps_what_runs(lane: Lane, session: UUID) -> None:
    web, db = both(lane)
    tell(lane, session, replace(web, state="exited"), db)
    planned = make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    assert {change.service: (change.action, change.reasons) for change in planned.changes} == {
        "web": ("restart", ("it was stopped on the server",)),
        "db": ("keep", ()),
    }
    tell(lane, session, web, db)
    planned = make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    assert {change.action for change in planned.changes} == {"keep"}
