"""What an agent tells of the runs of jobs on a schedule; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRunTold:
    """One state of a run. Epoch milliseconds by the agent's clock, 0 for not yet."""

    run_id: UUID
    revision: int
    project_id: UUID
    deployment_id: UUID
    job: str
    state: str
    due_ms: int
    last_due_ms: int
    count: int
    started_ms: int
    ended_ms: int
    exit_code: int
    message: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostJobRuns:
    """States of runs on an agent's host, as it told them in this session."""

    agent_id: UUID
    session_id: UUID
    runs: tuple[JobRunTold, ...]
