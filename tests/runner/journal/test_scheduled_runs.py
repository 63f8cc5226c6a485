"""Runs in the journal: told until they are stored, and bounded while nobody listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.journal import scheduled_runs
from agents.runner.journal.scheduled_runs import RunOf, ScheduledRuns
from agents.runner.journal.store import Store

OF = RunOf(stack="s", project_id="p", lane="l", deployment_id="d", job="nightly")


@pytest.fixture
def runs(tmp_path: Path) -> ScheduledRuns:
    return ScheduledRuns(store=Store(tmp_path / "journal.sqlite3"))


def begin(runs: ScheduledRuns, at_ms: int) -> str:
    return runs.begin(of=OF, schedule="* * * * * UTC", due_ms=at_ms)


def test_each_change_is_told_until_that_very_state_is_stored(runs: ScheduledRuns) -> None:
    run_id = begin(runs, 60_000)
    (told,) = runs.untold(limit=10)
    assert (told.state, told.due_at_ms, told.revision) == ("running", 60_000, 1)
    runs.end(run_id=run_id, state="failed", ended_ms=61_000, exit_code=3, message="It exited.")
    runs.stored([pb.StoredRun(run_id=run_id, revision=told.revision)])
    (told,) = runs.untold(limit=10)
    assert (told.state, told.exit_code, told.message) == ("failed", 3, "It exited.")
    runs.stored([pb.StoredRun(run_id=run_id, revision=told.revision), pb.StoredRun(run_id="unheard of", revision=9)])
    assert runs.untold(limit=10) == []


def test_a_schedule_that_changed_or_went_is_followed_anew(runs: ScheduledRuns) -> None:
    begin(runs, 60_000)
    assert runs.mark(stack="s", job="nightly", schedule="* * * * * UTC") == 60_000
    assert runs.mark(stack="s", job="nightly", schedule="0 * * * * UTC") is None
    runs.forget_schedules(kept=[("s", "another")])
    assert runs.mark(stack="s", job="nightly", schedule="* * * * * UTC") is None


def test_what_nobody_takes_is_bounded_and_counted(runs: ScheduledRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduled_runs, "MAX_UNTOLD", 3)
    monkeypatch.setattr(scheduled_runs, "MAX_TOLD", 2)
    for number in range(1, 8):
        runs.end(run_id=begin(runs, number), state="succeeded", ended_ms=number)
    begin(runs, 8)
    told = runs.untold(limit=100)
    forgotten = [run for run in told if run.state == "forgotten"]
    assert [(run.count, run.last_due_at_ms) for run in forgotten] == [(4, 4)]
    assert [run.due_at_ms for run in told if run.state == "succeeded"] == [5, 6, 7]
    # What was told goes, too, but for the newest, and never what runs.
    runs.stored(pb.StoredRun(run_id=run.run_id, revision=run.revision) for run in told)
    runs.end(run_id=begin(runs, 9), state="succeeded", ended_ms=9)
    assert [run.due_ms for run in runs.open()] == [8]


def test_the_first_reason_to_end_stays_and_says_nothing_of_what_has_ended(runs: ScheduledRuns) -> None:
    first, second = begin(runs, 1), begin(runs, 2)
    runs.end(run_id=second, state="succeeded", ended_ms=3)
    runs.ask_to_end(run_ids=[first, second], why="Somebody stopped it.")
    runs.ask_all_to_end(stack="s", why="The stack was stopped.")
    assert [(run.id, run.asked) for run in runs.open()] == [(first, "Somebody stopped it.")]
    assert runs.untold(limit=10)[1].message == ""
