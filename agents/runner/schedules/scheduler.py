"""Runs jobs on a schedule, for as long as the deployment that has them is what runs; with or without a control plane.

At most once: the journal says that a run begins before its container is made, and names the container before it is
started. Whose container is gone by then has an unknown outcome, and is not run again unless its node says it may be.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from docker.errors import APIError

from agents.runner.docker.run_containers import RunContainers
from agents.runner.errors import EngineAwayError
from agents.runner.journal.releases import Releases
from agents.runner.journal.scheduled_runs import MISSED, SKIPPED, RunOf, ScheduledRuns
from agents.runner.planning.model import Job, Release
from agents.runner.schedules.rules import MAX_AT_ONCE, MAX_COUNTED, Due, Turn, due_since, ms_of, turn_of
from agents.runner.schedules.watch import RunWatch

# Between two looks: while something runs, and while nothing does; clocks may be set meanwhile.
LOOK_SECONDS, REST_SECONDS = 1.0, 5.0
AT_WORK = "a deployment of the stack was in progress"
NOT_MADE = "its container was not there: deploy the project again"
NOT_RUNNING = "the agent did not run then"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledJob:
    """A job on a schedule of what runs."""

    of: RunOf
    job: Job

    @property
    def text(self) -> str:
        """Return the schedule as the journal has it: another one is followed anew."""
        assert self.job.schedule is not None, "only jobs on a schedule are made into this"
        return f"{self.job.schedule.cron} {self.job.schedule.time_zone}"


class Scheduler:
    """One thread. `busy` names the stacks that a command works on, whose runs wait for its end.

    `changed` is called when there is something to tell. `now_ms` is the clock of the host, which may be set.
    """

    def __init__(
        self,
        *,
        runs: ScheduledRuns,
        releases: Releases,
        containers: RunContainers,
        watch: RunWatch,
        busy: Callable[[], set[str]],
        changed: Callable[[], None],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._runs = runs
        self._releases = releases
        self._containers = containers
        self._watch = watch
        self._busy = busy
        self._changed = changed
        self._now_ms = now_ms
        self._began_ms = now_ms()
        # Why a run that is due could not begin yet.
        self._troubles: dict[tuple[str, str], str] = {}
        self._known: dict[str, tuple[ScheduledJob, ...]] = {}
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="schedules", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, timeout: float) -> None:
        """End without ending what runs: the next process goes on watching it."""
        self._stopping.set()
        self._news.set()
        self._thread.join(timeout)

    def look_soon(self) -> None:
        """Look again, now that something may have changed. Safe across threads."""
        self._news.set()

    def stop_runs(self, run_ids: Iterable[str]) -> None:
        """End these runs; those that have ended stay as they are. Safe across threads."""
        self._watch.ask_to_end(run_ids)
        self._news.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception as error:  # whatever it is, schedules go on
                logger.warning("schedules could not be followed, trying again: %s", error)
            self._news.wait(LOOK_SECONDS if self._runs.open() else REST_SECONDS)
            self._news.clear()

    def step(self) -> None:
        """Look once at what runs and at what is due."""
        self._watch.look(self._repeatable())
        jobs = self._jobs()
        self._runs.forget_schedules(kept=[(each.of.stack, each.of.job) for each in jobs])
        for job in jobs:
            try:
                self._follow(job)
            except (EngineAwayError, APIError) as error:
                self._troubles[(job.of.stack, job.of.job)] = f"Docker did not do it: {_words(error)}"
        self._changed()

    def _jobs(self) -> list[ScheduledJob]:
        currents = {current for current in self._releases.currents().values() if current}
        # What a deployment says never changes, and its files are not for keeping in memory.
        self._known = {current: self._known.get(current) or self._read(current) for current in currents}
        return [job for current in sorted(currents) for job in self._known[current]]

    def _read(self, deployment_id: str) -> tuple[ScheduledJob, ...]:
        record = self._releases.find(deployment_id)
        if record is None:
            return ()
        release = record.release
        return tuple(ScheduledJob(of=run_of(release, job), job=job) for job in release.scheduled_jobs)

    def _repeatable(self) -> set[tuple[str, str]]:
        return {(each.of.stack, each.of.job) for each in self._jobs() if each.job.repeatable}

    def _follow(self, each: ScheduledJob) -> None:
        now_ms = self._now_ms()
        followed_ms = self._runs.mark(stack=each.of.stack, job=each.of.job, schedule=each.text)
        if followed_ms is None:
            # New, or another one than before: from now on.
            self._runs.follow(stack=each.of.stack, job=each.of.job, schedule=each.text, until_ms=now_ms)
            return
        assert each.job.schedule is not None, "only jobs on a schedule are made into this"
        due = due_since(each.job.schedule, followed_ms=followed_ms, now_ms=now_ms)
        self._note_missed(each, due)
        if due.run is not None:
            self._take_turn(each, due_ms=ms_of(due.run))

    def _note_missed(self, each: ScheduledJob, due: Due) -> None:
        if due.missed is None:
            return
        first_ms, last_ms = ms_of(due.missed.first), ms_of(due.missed.last)
        why = self._troubles.pop((each.of.stack, each.of.job), "")
        why = why or (NOT_RUNNING if last_ms < self._began_ms else "the machine or its clock stood still, or was set")
        more = f" More than {MAX_COUNTED} were missed." if due.missed.more else ""
        self._runs.leave_out(
            of=each.of,
            schedule=each.text,
            state=MISSED,
            due_ms=first_ms,
            last_due_ms=last_ms,
            count=due.missed.count,
            message=f"It did not begin in time: {why}.{more}",
        )

    def _take_turn(self, each: ScheduledJob, *, due_ms: int) -> None:
        of, key = each.of, (each.of.stack, each.of.job)
        if of.stack in self._busy():
            self._troubles[key] = AT_WORK
            return
        running = [run.id for run in self._runs.open() if (run.of.stack, run.of.job) == key and not run.unread]
        by_hand = self._containers.runs_by_hand(stack=of.stack, project_id=of.project_id, job=of.job)
        turn = turn_of(each.job.overlap, running=running, by_hand=by_hand)
        if turn is Turn.END_OTHERS:
            self._watch.ask_to_end(running, why="The next run replaced it.")
        elif turn is Turn.SKIP:
            self._skip(each, due_ms=due_ms, running=len(running))
        else:
            self._begin(each, due_ms=due_ms)

    def _skip(self, each: ScheduledJob, *, due_ms: int, running: int) -> None:
        why = f"{MAX_AT_ONCE} runs of it were at work." if running >= MAX_AT_ONCE else "The run before had not ended."
        self._runs.leave_out(
            of=each.of,
            schedule=each.text,
            state=SKIPPED,
            due_ms=due_ms,
            last_due_ms=due_ms,
            count=1,
            message=why,
        )

    def _begin(self, each: ScheduledJob, *, due_ms: int) -> None:
        of = each.of
        pattern = self._containers.pattern(
            stack=of.stack, project_id=of.project_id, deployment_id=of.deployment_id, job=of.job
        )
        if pattern is None:
            self._troubles[(of.stack, of.job)] = NOT_MADE
            return
        run_id = self._runs.begin(of=of, schedule=each.text, due_ms=due_ms)
        self._troubles.pop((of.stack, of.job), None)
        run = self._runs.find(run_id)
        if run is not None:
            self._watch.start(run)


def run_of(release: Release, job: Job) -> RunOf:
    return RunOf(
        stack=release.stack,
        project_id=release.project_id,
        lane=release.lane,
        deployment_id=release.deployment_id,
        job=job.name,
    )


def _words(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)[:300]
