"""Starts runs, watches them to their end, ends those that shall, and keeps what they wrote. Safe to begin again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from docker.errors import APIError

from agents.runner.docker.run_containers import RunContainers
from agents.runner.errors import EngineAwayError, StepFailedError
from agents.runner.journal.releases import Releases
from agents.runner.journal.scheduled_runs import (
    FAILED,
    MISSED,
    STOPPED,
    SUCCEEDED,
    UNKNOWN,
    ScheduledRun,
    ScheduledRuns,
)
from agents.runner.planning.health_gate import DEAD, end_of
from agents.runner.planning.model import CREATED, Container
from agents.runner.schedules.output import Outputs, OutputsWaitError
from agents.runner.schedules.rules import MAX_LATE_SECONDS

MAX_ENDING = 4
# Of one job, while nobody can say what in their output is secret; those before go without it.
MAX_UNREAD = 5
ASKED = "Somebody stopped it."
GONE = "Its container was removed, or the agent's machine lost it: nobody can know what it did. It was not run again."
LATE = "The agent ended before it began, and was back too late."
NOT_KEPT = "What it wrote was not kept: the control plane was not there to say what in it is secret."
logger = logging.getLogger(__name__)


class RunWatch:
    """All methods but `ask_to_end` belong to the scheduler's thread."""

    def __init__(
        self,
        *,
        runs: ScheduledRuns,
        releases: Releases,
        containers: RunContainers,
        outputs: Outputs,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._runs = runs
        self._releases = releases
        self._containers = containers
        self._outputs = outputs
        self._now_ms = now_ms
        self._ending: set[str] = set()
        self._enders = ThreadPoolExecutor(max_workers=MAX_ENDING, thread_name_prefix="end-runs")

    def ask_to_end(self, run_ids: Iterable[str], *, why: str = ASKED) -> None:
        """Have these runs ended; the first reason stays. Safe across threads."""
        self._runs.ask_to_end(run_ids=run_ids, why=why)

    def look(self, repeatable: Collection[tuple[str, str]]) -> None:
        """Look at every run that has not ended; each by itself."""
        open_runs = self._runs.open()
        for run in open_runs:
            try:
                if run.unread:
                    self._read(run, open_runs)
                else:
                    self._look(run, may_repeat=(run.of.stack, run.of.job) in repeatable)
            except (EngineAwayError, APIError) as error:
                logger.info("the run %s of %s cannot be looked at: %s", run.id, run.of.job, error)

    def start(self, run: ScheduledRun) -> None:
        """Make the run's container, write it down, and only then start it. Safe to repeat while it never ran."""
        of = run.of
        pattern = self._containers.pattern(
            stack=of.stack, project_id=of.project_id, deployment_id=of.deployment_id, job=of.job
        )
        if pattern is None:
            self._end(run, FAILED, message="It could not be started: its deployment is not there any more.")
            return
        try:
            container = self._containers.make(pattern=pattern, run_id=run.id)
            self._runs.made(run_id=run.id, container=container)
            self._containers.start(container)
        except StepFailedError as error:
            self._end(run, FAILED, message=f"It could not be started: {error}")
            return
        except APIError as error:
            self._refused(run, error)
            return
        self._runs.started(run_id=run.id, at_ms=self._now_ms())
        self._outputs.learn(run)

    def _refused(self, run: ScheduledRun, error: APIError) -> None:
        """Note that Docker did not start it; where it runs all the same, the next look sees that."""
        made = self._runs.find(run.id)
        found = self._containers.find(made.container) if made is not None else None
        if found is not None and found.state != CREATED and found.started_at:
            return
        if found is not None:
            self._containers.remove(found.id)
        self._end(run, FAILED, message=f"It could not be started: {error.explanation or error}"[:1000])

    def _look(self, run: ScheduledRun, *, may_repeat: bool) -> None:
        why = run.asked
        found = self._containers.find(run.container)
        if found is None:
            self._look_at_none(run, may_repeat=may_repeat, why=why)
        elif found.state == CREATED:
            self._look_at_unstarted(run, found, why=why)
        elif found.state in DEAD:
            self._note_end(run, found, why=why)
        elif why:
            self._end_soon(run)
        elif self._now_ms() > self._give_up_ms(run):
            self.ask_to_end([run.id], why=f"It took longer than {self._timeout(run):.0f} s.")

    def _look_at_none(self, run: ScheduledRun, *, may_repeat: bool, why: str) -> None:
        """Without a container noted it never began; with one that is gone nobody can know."""
        if run.container and not may_repeat:
            self._end(run, STOPPED if why else UNKNOWN, message=why or GONE)
        elif why:
            self._end(run, STOPPED, message=f"{why} It had not begun.")
        elif self._is_late(run):
            self._end(run, MISSED if not run.container else UNKNOWN, message=LATE if not run.container else GONE)
        else:
            self.start(run)

    def _look_at_unstarted(self, run: ScheduledRun, found: Container, *, why: str) -> None:
        """Start it, for it never ran, unless it shall not run any more."""
        if why or self._is_late(run):
            self._containers.remove(found.id)
            self._end(run, STOPPED if why else MISSED, message=f"{why} It had not begun." if why else LATE)
            return
        self.start(run)

    def _note_end(self, run: ScheduledRun, found: Container, *, why: str) -> None:
        if why:
            state = FAILED if why.startswith("It took longer") else STOPPED
            self._end(run, state, exit_code=found.exit_code, message=why, unread=True)
        elif found.exit_code == 0:
            self._end(run, SUCCEEDED, unread=True)
        else:
            self._end(run, FAILED, exit_code=found.exit_code, message=f"It {end_of(found)}.", unread=True)

    def _end_soon(self, run: ScheduledRun) -> None:
        """Stop its container beside other work: its grace may be long."""
        if run.id in self._ending:
            return
        self._ending.add(run.id)
        self._enders.submit(self._end_container, run)

    def _end_container(self, run: ScheduledRun) -> None:
        try:
            self._containers.end(run.container)
        except Exception as error:  # the next look tries again
            logger.warning("the run %s of %s could not be stopped yet: %s", run.id, run.of.job, error)
        finally:
            self._ending.discard(run.id)

    def _read(self, run: ScheduledRun, open_runs: list[ScheduledRun]) -> None:
        """Keep what it wrote, then let its container go."""
        remark = ""
        try:
            output = self._outputs.of(run)
        except OutputsWaitError:
            mine = (run.of.stack, run.of.job)
            unread = [each for each in open_runs if each.unread and (each.of.stack, each.of.job) == mine]
            if len(unread) - unread.index(run) <= MAX_UNREAD:
                return
            output, remark = "", NOT_KEPT
        self._runs.keep_output(run_id=run.id, output=output, remark=remark)
        self._containers.remove(run.container)

    def _end(
        self, run: ScheduledRun, state: str, *, exit_code: int = 0, message: str = "", unread: bool = False
    ) -> None:
        self._runs.end(
            run_id=run.id,
            state=state,
            ended_ms=self._now_ms(),
            exit_code=exit_code,
            message=message,
            unread=unread and bool(run.container),
        )

    def _is_late(self, run: ScheduledRun) -> bool:
        return self._now_ms() - run.due_ms > MAX_LATE_SECONDS * 1000

    def _give_up_ms(self, run: ScheduledRun) -> float:
        return (run.started_ms or run.due_ms) + self._timeout(run) * 1000

    def _timeout(self, run: ScheduledRun) -> float:
        record = self._releases.find(run.of.deployment_id)
        jobs = record.release.jobs if record is not None else ()
        return next((job.timeout for job in jobs if job.name == run.of.job), 3600.0)
