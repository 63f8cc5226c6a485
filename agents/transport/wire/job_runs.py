"""Runs of jobs on a schedule, from the wire and within bounds, and what agents are told of them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from agents.contracts import runner_pb2
from agents.limits import MAX_JOB_OUTPUT_BYTES, MAX_JOB_RUNS, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_WORD_BYTES
from agents.reports.job_runs import JobRunTold
from agents.reports.report_bounds import cut

# As far as the database's own numbers and dates go: the year 9999.
MAX_MS = 253_402_300_799_000
MAX_COUNT = 2_147_483_647
# The agent's own cut leaves a word that something is missing.
OUTPUT_BYTES = MAX_JOB_OUTPUT_BYTES + MAX_WORD_BYTES


def runs_from_wire(message: runner_pb2.JobRuns) -> tuple[JobRunTold, ...]:
    """Cut what the agent says to what the database can keep. Runs whose ids are none are left out."""
    read = (_run(each) for each in message.runs[:MAX_JOB_RUNS])
    return tuple(run for run in read if run is not None)


def _run(message: runner_pb2.JobRun) -> JobRunTold | None:
    try:
        run_id, project_id = UUID(message.run_id), UUID(message.project_id)
        deployment_id = UUID(message.deployment_id)
    except ValueError:
        return None
    return JobRunTold(
        run_id=run_id,
        revision=max(1, message.revision),
        project_id=project_id,
        deployment_id=deployment_id,
        job=cut(message.job, MAX_NAME_BYTES),
        state=cut(message.state, MAX_WORD_BYTES),
        due_ms=_ms(message.due_at_ms),
        last_due_ms=_ms(message.last_due_at_ms),
        count=min(max(1, message.count), MAX_COUNT),
        started_ms=_ms(message.started_at_ms),
        ended_ms=_ms(message.ended_at_ms),
        exit_code=message.exit_code,
        message=cut(message.message, MAX_MESSAGE_BYTES),
        output=cut(message.output, OUTPUT_BYTES),
    )


def _ms(told: int) -> int:
    return min(max(0, told), MAX_MS)


def stored_to_wire(message: runner_pb2.JobRuns) -> runner_pb2.ToAgent:
    """Return the word that these states need not be told again, those that were left out neither."""
    stored = [runner_pb2.StoredRun(run_id=run.run_id, revision=run.revision) for run in message.runs]
    return runner_pb2.ToAgent(job_runs_stored=runner_pb2.JobRunsStored(runs=stored))


def stops_to_wire(run_ids: Iterable[UUID]) -> runner_pb2.ToAgent:
    return runner_pb2.ToAgent(stop_job_runs=runner_pb2.StopJobRuns(run_ids=[str(each) for each in run_ids]))
