"""Runs of jobs by a schedule: stored once, believed of an agent's own projects alone, shown, stopped, forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.models import Agent
from agents.reports.job_runs import HostJobRuns, JobRunTold
from agents.services import directory
from deployments.data.job_types import JobRunState
from deployments.errors import Conflict, Forbidden, NotFound
from deployments.models import JobRun, ProjectMember
from deployments.repositories.observation import job_run_rows
from deployments.services.observation import job_runs
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.queries import job_view
from deployments.services.requests import stop_job_run
from tests import factories
from tests.deployments.lane import Lane

DUE = datetime(2026, 11, 1, 3, tzinfo=UTC)


@pytest.fixture
def session(lane: Lane) -> UUID:
    session_id = uuid4()
    Agent.objects.filter(pk=lane.agent.id).update(
        session_id=session_id, last_seen_at=datetime.now(UTC), understands={"deploy": 7}
    )
    nightly = {"image": "b:1", "run": "on-schedule", "schedule": "30 2 * * *", "timeZone": "Europe/Berlin"}
    nodes = [
        {"id": "n-api", "type": 1, "data": {"serviceName": "api", "config": {"image": "b:1"}}},
        {"id": "n-nightly", "type": 1, "data": {"serviceName": "nightly", "config": nightly}},
    ]
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph={"nodes": nodes, "edges": []})
    lane.deployed()
    return session_id


def run_of(lane: Lane, **fields: Any) -> JobRunTold:
    due_ms = int(fields.pop("due", DUE).timestamp() * 1000)
    usual: dict[str, Any] = {
        "run_id": uuid4(),
        "revision": 1,
        "project_id": lane.project_id,
        "deployment_id": uuid4(),
        "job": "nightly",
        "state": "running",
        "due_ms": due_ms,
        "last_due_ms": due_ms,
        "count": 1,
        "started_ms": due_ms,
        "ended_ms": 0,
        "exit_code": 0,
        "message": "",
        "output": "",
    }
    return JobRunTold(**{**usual, **fields})


def tell(lane: Lane, session_id: UUID, *runs: JobRunTold) -> None:
    job_runs.record_job_runs(told=HostJobRuns(agent_id=lane.agent.id, session_id=session_id, runs=runs))


def shown(lane: Lane) -> list[tuple[str, str]]:
    runs = job_view.list_runs(caller=lane.caller, project_id=lane.project_id)
    return [(run.job, str(run.state)) for run in runs]


def test_the_agent_is_ordered_to_follow_the_schedule_and_the_next_time_is_known(lane: Lane, session: UUID) -> None:
    (job,) = lane.command(lane.deployed())["jobs"]
    assert (job["schedule"], job["time_zone"], job["overlap"], job["by_hand"]) == (
        "30 2 * * *",
        "Europe/Berlin",
        "forbid",
        True,
    )
    (line,) = job_view.list_jobs(caller=lane.caller, project_id=lane.project_id, now=DUE)
    assert (line.name, line.kind, line.next_at) == ("nightly", "on-schedule", datetime(2026, 11, 2, 1, 30, tzinfo=UTC))
    with pytest.raises(NotFound):
        job_view.list_jobs(caller=caller_of(factories.make_user("stranger")), project_id=lane.project_id, now=DUE)
    assert session


def test_only_newer_states_change_a_run_and_only_its_own_host_may_tell_them(lane: Lane, session: UUID) -> None:
    first = run_of(lane)
    tell(lane, session, first)
    ended = run_of(lane, run_id=first.run_id, revision=3, state="failed", exit_code=7, message="It exited.", output="x")
    tell(lane, session, ended)
    tell(lane, session, run_of(lane, run_id=first.run_id, revision=2))
    assert shown(lane) == [("nightly", "failed")]
    found = job_view.get_run(caller=lane.caller, project_id=lane.project_id, run_id=first.run_id)
    assert (found.exit_code, found.message, found.output) == (7, "It exited.", "x")
    # Of a project that was never there, of a state that nobody knows, and by a session that is over.
    tell(lane, session, run_of(lane, project_id=uuid4()), run_of(lane, due=DUE + timedelta(days=1), state="dancing"))
    tell(lane, uuid4(), run_of(lane))
    assert shown(lane) == [("nightly", "unknown"), ("nightly", "failed")]
    other = Lane(
        owner=lane.owner,
        project_id=lane.project_id,
        server=(server := factories.make_server(lane.owner, name="another")),
        agent=factories.make_agent(server),
    )
    another = uuid4()
    Agent.objects.filter(pk=other.agent.id).update(session_id=another, understands={"deploy": 7})
    other.deployed()
    tell(other, another, run_of(lane, run_id=first.run_id, revision=9, state="succeeded"))
    assert JobRun.objects.get(pk=first.run_id).state == "failed"


def test_a_run_of_a_silent_agent_is_not_known(lane: Lane, session: UUID) -> None:
    tell(lane, session, run_of(lane))
    Agent.objects.filter(pk=lane.agent.id).update(last_seen_at=datetime.now(UTC) - timedelta(hours=1))
    (run,) = job_view.list_runs(caller=lane.caller, project_id=lane.project_id)
    assert run.state is JobRunState.RUNNING
    assert run.unknown


def test_a_run_is_stopped_by_its_agent_alone(lane: Lane, session: UUID) -> None:
    told = run_of(lane)
    tell(lane, session, told)

    def stop(caller: Any = lane.caller) -> None:
        stop_job_run.stop_job_run(caller=caller, project_id=lane.project_id, run_id=told.run_id, at=datetime.now(UTC))

    with pytest.raises(NotFound):
        stop(caller_of(factories.make_user("stranger")))
    viewer = factories.make_user("viewer")
    ProjectMember.objects.create(project_id=lane.project_id, user=viewer, role="viewer")
    with pytest.raises(Forbidden):
        stop(caller_of(viewer))
    assert job_runs.runs_to_stop(agent_ids=[lane.agent.id]) == {}
    stop()
    stop()
    assert job_runs.runs_to_stop(agent_ids=[lane.agent.id]) == {lane.agent.id: [told.run_id]}
    assert shown(lane) == [("nightly", "running")]
    tell(lane, session, run_of(lane, run_id=told.run_id, revision=2, state="stopped"))
    assert job_runs.runs_to_stop(agent_ids=[lane.agent.id]) == {}
    with pytest.raises(Conflict):
        stop()


def test_old_runs_go_and_those_at_work_stay(lane: Lane, session: UUID) -> None:
    ended = [run_of(lane, due=DUE + timedelta(hours=hour), state="succeeded") for hour in range(1, 5)]
    tell(lane, session, run_of(lane), *ended)
    assert job_run_rows.drop_beyond(number=2, limit=100) == 2
    assert [run.state for run in job_run_rows.of_project(project_id=lane.project_id, job="", limit=9)] == [
        JobRunState.SUCCEEDED,
        JobRunState.SUCCEEDED,
        JobRunState.RUNNING,
    ]
    assert job_run_rows.drop_before(before=DUE + timedelta(days=9), limit=100) == 2
    assert shown(lane) == [("nightly", "running")]
    job_run_rows.forget_server(server_id=lane.server.id)
    assert shown(lane) == [("nightly", "unknown")]
    assert directory.server_names(server_ids={lane.server.id})
