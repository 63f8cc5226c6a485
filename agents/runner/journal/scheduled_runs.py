"""How far each schedule was followed, and every run of a job by its schedule, on disk before its container is made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from agents.contracts import runner_pb2 as pb
from agents.runner.journal.store import Store

RUNNING, SUCCEEDED, FAILED, STOPPED = "running", "succeeded", "failed", "stopped"
UNKNOWN, SKIPPED, MISSED, FORGOTTEN = "unknown", "skipped", "missed", "forgotten"
# What was told is kept a little, to be looked at; what was not is kept longer, and then counted only.
MAX_TOLD = 200
MAX_UNTOLD = 1000
# What is said of a run that has not ended is why it shall.
ASK = "UPDATE scheduled_runs SET message = ? WHERE state = 'running' AND message = ''"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOf:
    """Whose run it is: a job of a stack by the schedule of a deployment."""

    stack: str
    project_id: str
    lane: str
    deployment_id: str
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRun:
    """Times in epoch milliseconds, 0 for not yet. `unread`: it has ended, and its output is still to be kept.

    `asked`: why it shall end, as long as it has not.
    """

    id: str
    of: RunOf
    state: str
    due_ms: int
    container: str
    started_ms: int
    unread: bool
    asked: str


class ScheduledRuns:
    """Every method is one transaction."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    def mark(self, *, stack: str, job: str, schedule: str) -> int | None:
        """Return up to when this schedule was followed; None for one that is new."""
        row = self._store.row("SELECT * FROM schedule_marks WHERE stack = ? AND job = ?", stack, job)
        return int(row["until_ms"]) if row is not None and row["schedule"] == schedule else None

    def follow(self, *, stack: str, job: str, schedule: str, until_ms: int) -> None:
        """Note that it was followed up to this moment."""
        self._store.write("INSERT OR REPLACE INTO schedule_marks VALUES (?, ?, ?, ?)", stack, job, schedule, until_ms)

    def forget_schedules(self, *, kept: Iterable[tuple[str, str]]) -> None:
        """Drop how far schedules were followed, but for these stacks and jobs: who comes back begins anew."""
        stay = set(kept)
        for row in self._store.rows("SELECT stack, job FROM schedule_marks"):
            if (row["stack"], row["job"]) not in stay:
                self._store.write("DELETE FROM schedule_marks WHERE stack = ? AND job = ?", row["stack"], row["job"])

    def begin(self, *, of: RunOf, schedule: str, due_ms: int) -> str:
        """Note, before anything is made, that the run of this moment begins; return its id."""
        with self._store.transaction():
            self.follow(stack=of.stack, job=of.job, schedule=schedule, until_ms=due_ms)
            return self._add(of=of, state=RUNNING, due_ms=due_ms, last_due_ms=due_ms, count=1, message="")

    def leave_out(
        self, *, of: RunOf, schedule: str, state: str, due_ms: int, last_due_ms: int, count: int, message: str
    ) -> None:
        """Note that what was due from the one moment to the other did not run, and will not."""
        with self._store.transaction():
            self.follow(stack=of.stack, job=of.job, schedule=schedule, until_ms=last_due_ms)
            self._add(of=of, state=state, due_ms=due_ms, last_due_ms=last_due_ms, count=count, message=message)

    def _add(self, *, of: RunOf, state: str, due_ms: int, last_due_ms: int, count: int, message: str) -> str:
        run_id = str(uuid4())
        self._store.write(
            "INSERT INTO scheduled_runs (id, stack, project, lane, deployment, job, state, due_ms, last_due_ms, count,"
            " message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(run_id, of.stack, of.project_id, of.lane, of.deployment_id, of.job),
            *(state, due_ms, last_due_ms, count, message),
        )
        self._drop_beyond_bounds()
        return run_id

    def _drop_beyond_bounds(self) -> None:
        """Drop the oldest that were told; of those that were not, the oldest become a number that is told."""
        ended = "state != 'running' AND unread = 0"
        self._store.write(
            f"DELETE FROM scheduled_runs WHERE told = revision AND {ended} AND position <= (SELECT position FROM"  # noqa: S608
            " scheduled_runs WHERE told = revision ORDER BY position DESC LIMIT 1 OFFSET ?)",
            MAX_TOLD,
        )
        beyond = self._store.rows(
            f"SELECT * FROM scheduled_runs WHERE told < revision AND state != 'forgotten' AND {ended}"  # noqa: S608
            " ORDER BY position DESC LIMIT -1 OFFSET ?",
            MAX_UNTOLD,
        )
        for row in beyond:
            self._forget(row)

    def _forget(self, row: sqlite3.Row) -> None:
        with self._store.transaction():
            self._store.write("DELETE FROM scheduled_runs WHERE id = ?", row["id"])
            counted = self._store.write(
                "UPDATE scheduled_runs SET count = count + ?, last_due_ms = max(last_due_ms, ?),"
                " revision = revision + 1 WHERE stack = ? AND job = ? AND state = ?",
                *(row["count"], row["last_due_ms"], row["stack"], row["job"], FORGOTTEN),
            )
            if counted:
                return
            self._store.write(
                "INSERT INTO scheduled_runs (id, stack, project, lane, deployment, job, state, due_ms, last_due_ms,"
                " count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(str(uuid4()), row["stack"], row["project"], row["lane"], row["deployment"], row["job"], FORGOTTEN),
                *(row["due_ms"], row["last_due_ms"], row["count"]),
            )

    def made(self, *, run_id: str, container: str) -> None:
        """Note the run's container, before it is started: without one it never began."""
        self._store.write("UPDATE scheduled_runs SET container = ? WHERE id = ?", container, run_id)

    def started(self, *, run_id: str, at_ms: int) -> None:
        self._change(run_id, "started_ms = ?", at_ms)

    def ask_to_end(self, *, run_ids: Iterable[str], why: str) -> None:
        """Note that these runs shall end, and why; the first reason stays. Nothing for those that have ended."""
        with self._store.transaction():
            for run_id in run_ids:
                self._store.write(f"{ASK} AND id = ?", why, run_id)

    def ask_all_to_end(self, *, stack: str, why: str) -> None:
        """Note that every run of the stack shall end, and why."""
        self._store.write(f"{ASK} AND stack = ?", why, stack)

    def end(
        self, *, run_id: str, state: str, ended_ms: int, exit_code: int = 0, message: str = "", unread: bool = False
    ) -> None:
        """Note how it ended; `unread`: its container is still there, and what it wrote is to be kept."""
        self._change(
            run_id,
            "state = ?, ended_ms = ?, exit_code = ?, message = ?, unread = ?",
            *(state, ended_ms, exit_code, message, int(unread)),
        )

    def keep_output(self, *, run_id: str, output: str, remark: str = "") -> None:
        """Keep what it wrote; its container may go. `remark` is added to what is said of the run."""
        self._change(run_id, "output = ?, unread = 0, message = trim(message || ' ' || ?)", *(output, remark))

    def _change(self, run_id: str, what: str, *values: object) -> None:
        self._store.write(f"UPDATE scheduled_runs SET {what}, revision = revision + 1 WHERE id = ?", *values, run_id)  # noqa: S608

    def find(self, run_id: str) -> ScheduledRun | None:
        found = self._found("id = ?", run_id)
        return found[0] if found else None

    def open(self) -> list[ScheduledRun]:
        """Return the runs that have not ended, or whose output is still to be kept, the oldest first."""
        return self._found("state = 'running' OR unread = 1")

    def _found(self, condition: str, *values: object) -> list[ScheduledRun]:
        rows = self._store.rows(f"SELECT * FROM scheduled_runs WHERE {condition} ORDER BY position", *values)  # noqa: S608
        return [
            ScheduledRun(
                id=row["id"],
                of=_of(row),
                state=row["state"],
                due_ms=row["due_ms"],
                container=row["container"],
                started_ms=row["started_ms"],
                unread=bool(row["unread"]),
                asked=row["message"] if row["state"] == RUNNING else "",
            )
            for row in rows
        ]

    def untold(self, *, limit: int) -> list[pb.JobRun]:
        """Return what the control plane has not stored yet, the oldest first."""
        rows = self._store.rows("SELECT * FROM scheduled_runs WHERE told < revision ORDER BY position LIMIT ?", limit)
        return [_message(row) for row in rows]

    def stored(self, runs: Iterable[pb.StoredRun]) -> None:
        """Note that these states need not be told again."""
        with self._store.transaction():
            for run in runs:
                self._store.write(
                    "UPDATE scheduled_runs SET told = max(told, min(revision, ?)) WHERE id = ?",
                    *(run.revision, run.run_id),
                )


def _of(row: sqlite3.Row) -> RunOf:
    return RunOf(
        stack=row["stack"], project_id=row["project"], lane=row["lane"], deployment_id=row["deployment"], job=row["job"]
    )


def _message(row: sqlite3.Row) -> pb.JobRun:
    return pb.JobRun(
        run_id=row["id"],
        revision=row["revision"],
        stack_name=row["stack"],
        project_id=row["project"],
        lane=row["lane"],
        deployment_id=row["deployment"],
        job=row["job"],
        state=row["state"],
        due_at_ms=row["due_ms"],
        last_due_at_ms=row["last_due_ms"],
        count=row["count"],
        started_at_ms=row["started_ms"],
        ended_at_ms=row["ended_ms"],
        exit_code=row["exit_code"],
        message=row["message"],
        output=row["output"],
    )
