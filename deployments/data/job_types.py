"""Jobs of what runs, and the runs of those on a schedule; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class JobRunState(StrEnum):
    """How a run is, as its agent told it. Only RUNNING changes again; FORGOTTEN stands for several that were lost."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    MISSED = "missed"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRunRecord:
    """One run by a schedule; of missed ones `count`, from `due_at` to `last_due_at`. Times by our own clock.

    `stop_requested_by` is empty where nobody wants it to end. `unknown`: why nobody can know whether it still runs.
    """

    id: UUID
    project_id: UUID
    server_id: UUID
    server_name: str
    deployment_id: UUID
    job: str
    state: JobRunState
    due_at: datetime
    last_due_at: datetime
    count: int
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int
    message: str
    output: str
    stop_requested_at: datetime | None
    stop_requested_by: str
    told_at: datetime
    unknown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job of what runs on a server. `kind`: once-before, by-hand or on-schedule; `next_at` of the last alone."""

    name: str
    server_id: UUID
    server_name: str
    kind: str
    schedule: str = ""
    time_zone: str = ""
    overlap: str = ""
    next_at: datetime | None = None
