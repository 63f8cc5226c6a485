"""What became of jobs on a schedule, as agents tell it, and which runs shall end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import transaction

from agents.reports.job_runs import HostJobRuns
from agents.services import directory
from deployments import live_updates
from deployments.repositories.observation import job_run_rows, observed_stacks

MAX_STOPS = 1000


def record_job_runs(*, told: HostJobRuns) -> None:
    """Store states of runs, in one transaction that holds the agent's row; wake the pages of their projects.

    Ignored when another session speaks for the agent by now. An agent is believed only about projects that were ever
    deployed to its server.
    """
    with transaction.atomic():
        speaking = directory.lock_session(agent_id=told.agent_id, session_id=told.session_id)
        if speaking is None:
            return
        server_id = speaking.server_id
        named = {run.project_id for run in told.runs}
        there = observed_stacks.deployed_there(server_id=server_id, project_ids=named)
        runs = [run for run in told.runs if run.project_id in there]
        job_run_rows.store(server_id=server_id, runs=runs, skew_ms=speaking.skew_ms)
        if there:
            transaction.on_commit(lambda: live_updates.wake_projects(sorted(there)))


def runs_to_stop(*, agent_ids: Collection[UUID]) -> Mapping[UUID, Sequence[UUID]]:
    """Return by agent the runs that somebody wants to end."""
    servers = {targets[0]: agent_id for agent_id, targets in directory.targets_of(agent_ids=agent_ids).items()}
    found = job_run_rows.to_stop(server_ids=servers.keys(), limit=MAX_STOPS)
    return {servers[server_id]: run_ids for server_id, run_ids in found.items()}
