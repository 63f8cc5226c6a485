"""Have a run of a job by its schedule ended."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents import gateway
from agents.services import directory
from agents.wording.sentences import sentence
from deployments import live_updates
from deployments.data.job_types import JobRunRecord, JobRunState
from deployments.errors import Conflict, NotFound
from deployments.repositories.observation import job_run_rows
from deployments.services.permissions import access
from deployments.types import Caller, Right


def stop_job_run(*, caller: Caller, project_id: UUID, run_id: UUID, at: datetime) -> JobRunRecord:
    """Have a run by a schedule ended; it is over when its agent has told that its container does not run any more.

    One transaction; the agent is told on commit, and again whenever it connects. A repeat changes nothing. Raises
    NotFound for strangers and for a run that is not the project's, Forbidden, or Conflict for one that is over.
    """
    access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    with transaction.atomic():
        run = job_run_rows.find(project_id=project_id, run_id=run_id)
        if run is None:
            raise NotFound(sentence("No such run."))
        if run.state is not JobRunState.RUNNING or not job_run_rows.request_stop(run_id=run_id, by=caller.name, at=at):
            raise Conflict(sentence("This run is over."))
        agent = directory.agents_of_servers(server_ids=[run.server_id]).get(run.server_id)
        if agent is not None:
            gateway.announce_runs_to_stop(agent_id=agent.id)
        transaction.on_commit(lambda: live_updates.wake_projects([project_id]))
    return job_run_rows.find(project_id=project_id, run_id=run_id) or run
