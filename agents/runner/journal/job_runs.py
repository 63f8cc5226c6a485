"""Which jobs of a deployment were begun, on disk before they begin, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass

from agents.runner.journal.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """`exit_code` is None while it may still run, and where nobody noted its end."""

    exit_code: int | None


class JobRuns:
    """Every method is one transaction."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    def find(self, *, deployment_id: str, job: str) -> JobRun | None:
        """Return the run; None where the job was never begun."""
        row = self._store.row("SELECT exit_code FROM job_runs WHERE deployment = ? AND job = ?", deployment_id, job)
        return JobRun(exit_code=row["exit_code"]) if row else None

    def begin(self, *, deployment_id: str, job: str) -> None:
        """Note that it may run from now on, whoever dies."""
        self._store.write("INSERT OR REPLACE INTO job_runs VALUES (?, ?, NULL)", deployment_id, job)

    def end(self, *, deployment_id: str, job: str, exit_code: int) -> None:
        self._store.write(
            "UPDATE job_runs SET exit_code = ? WHERE deployment = ? AND job = ?", exit_code, deployment_id, job
        )
