"""Look sooner than Docker does: run the health commands of containers that others wait for.

Docker first asks an interval after the start, and before engine 25 nobody can have it ask sooner. What is seen here
lets others start; what proves a service is Docker's word alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from agents.backoff import Backoff
from agents.runner.commands.context import Work
from agents.runner.errors import InterruptedWorkError, UnavailableError
from agents.runner.interrupt import ABANDONED, Interrupt
from agents.runner.planning.health_gate import Run, run_of
from agents.runner.planning.model import Container

PAUSES = Backoff(first=0.2, most=5.0)
# As often as the first pause says, then more and more seldom.
QUICK_LOOKS = 20
MAX_AT_ONCE = 4
MAX_LOOK_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class _Asked:
    """One run of a container: when to ask it next, by the work's clock, and the look that is underway."""

    due_at: float
    looks: int = 0
    call: Future[bool | None] | None = None


class HealthLooks:
    """Looks at containers side by side, at each only once at a time. For one thread; `wake` is called from others.

    A command that cannot be run, or hangs, is not run again: Docker has no way to end it, so it must not pile up.
    """

    def __init__(self, *, work: Work, wake: Callable[[], None]) -> None:
        self._work = work
        self._wake = wake
        self._interrupt = Interrupt(parent=work.interrupt)
        self._pool = ThreadPoolExecutor(max_workers=MAX_AT_ONCE, thread_name_prefix="look")
        self._asked: dict[Run, _Asked] = {}
        self._wanted: set[Run] = set()

    def answered(self) -> tuple[Run, ...]:
        """Return the runs of containers that have answered since the last call."""
        now = self._work.clock()
        return tuple(run for run, asked in self._asked.items() if self._take(asked, now))

    def look(self, containers: Iterable[Container]) -> None:
        """Begin those looks at these containers that are due; others are asked no more."""
        now = self._work.clock()
        self._wanted = set()
        for container in containers:
            asked = self._asked.setdefault(run_of(container), _Asked(due_at=now))
            self._wanted.add(run_of(container))
            if asked.call is None and asked.due_at <= now:
                asked.looks += 1
                asked.call = self._pool.submit(self._ask, container.id)
                asked.call.add_done_callback(lambda _: self._wake())

    def next_look(self) -> float:
        """Return the seconds until the next look is due; infinite for none. One underway wakes by its end."""
        due = [self._asked[run].due_at for run in self._wanted if self._asked[run].call is None]
        return max(0.0, min(due, default=float("inf")) - self._work.clock())

    @property
    def underway(self) -> int:
        """Return how many looks are underway, or have ended and were not taken in yet."""
        return sum(asked.call is not None for asked in self._asked.values())

    def close(self) -> None:
        """End all looks: their lines to Docker are cut, and nobody waits for what they ran."""
        self._interrupt.set(ABANDONED)
        self._interrupt.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _take(self, asked: _Asked, now: float) -> bool:
        """Take the end of a look in, where one has ended; tell whether the container has answered."""
        if asked.call is None or not asked.call.done():
            return False
        answer = asked.call.result()
        asked.call = None
        # Whoever comes again after it has answered, or cannot be asked, is left to Docker.
        again = PAUSES.ceiling(failures=max(1, asked.looks - QUICK_LOOKS)) if answer is False else float("inf")
        asked.due_at = now + again
        return bool(answer)

    def _ask(self, container_id: str) -> bool | None:
        """Run the container's health command once; None where that cannot be done."""
        try:
            self._interrupt.check()
            check = self._work.host.health_check(container_id)
            if check is None:
                return None
            seconds = min(check.timeout, MAX_LOOK_SECONDS)
            code, _ = self._work.host.run_inside(
                container_id=container_id, argv=list(check.argv), seconds=seconds, interrupt=self._interrupt
            )
        except (UnavailableError, InterruptedWorkError):
            return None
        return code == 0
