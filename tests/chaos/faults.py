"""What goes wrong: each fault begins, lasts a while, and is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.chaos.installation import FAKETIME, Installation

PROCESSES = ("web", "worker", "gateway", "publisher", "reconciler", "runner")
CLOCKS = ("worker", "gateway", "reconciler")
OFFSETS = ("+31m", "-31m")
# An agent keeps heartbeats up at least every 5 s, and a gateway looks for dead lines within 30 s.
AT_ONCE, SHORT, LONG = (0.0, 0.0), (1.0, 6.0), (4.0, 25.0)


@dataclass(frozen=True)
class Fault:
    """A row of FAULTS. `part` is what fails: two at once never have the same. `seconds` is how long, from and to."""

    name: str
    part: str
    seconds: tuple[float, float]
    begin: Callable[[Installation], None]
    end: Callable[[Installation], None]


def _killed(process: str) -> Fault:
    return Fault(f"{process} killed", process, SHORT, lambda p: p.kill(process), lambda p: p.restart(process))


def _asleep(process: str) -> Fault:
    return Fault(f"{process} stopped", process, LONG, lambda p: p.put_asleep(process), lambda p: p.wake(process))


def _wrong_clock(process: str, offset: str) -> Fault:
    def set_to(offset: str) -> Callable[[Installation], None]:
        return lambda plane: plane.set_clock(process, offset=offset)

    return Fault(f"clock of {process} {offset}", process, LONG, set_to(offset), set_to(""))


FAULTS = (
    *(_killed(process) for process in PROCESSES),
    *(_asleep(process) for process in PROCESSES),
    *(_wrong_clock(process, offset) for process in CLOCKS for offset in OFFSETS if FAKETIME),
    Fault("line cut", "line", LONG, lambda p: p.line.cut(), lambda p: p.line.mend()),
    Fault("line swallows", "line", LONG, lambda p: p.line.swallow(), lambda p: p.line.mend()),
    Fault("engine killed", "engine", SHORT, lambda p: p.engine.kill(), lambda p: p.engine.start()),
    Fault("engine frozen", "engine", LONG, lambda p: p.engine.freeze(), lambda p: p.engine.thaw()),
    Fault("PostgreSQL killed", "postgres", SHORT, lambda p: p.postgres.kill(), lambda p: p.postgres.start()),
    Fault("Redis flushed", "redis", AT_ONCE, lambda p: p.flush_redis(), lambda _: None),
    Fault("disk of the agent full", "disk", LONG, lambda p: p.disk.fill(), lambda p: p.disk.free()),
)


@dataclass(frozen=True, kw_only=True)
class Lasting:
    """A fault that has begun; `until` is a reading of the run's clock."""

    fault: Fault
    until: float


class Weather:
    """Begins faults at random and ends them in time, at most `MAX_AT_ONCE` of different parts at once."""

    MAX_AT_ONCE = 2
    PAUSE = (3.0, 12.0)

    def __init__(self, *, plane: Installation, random: Random, say: Callable[[str], None]) -> None:
        self._plane = plane
        self._random = random
        self._say = say
        self._lasting: list[Lasting] = []
        self._next = 0.0
        self.counts: dict[str, int] = {}

    def pass_on(self, *, at: float) -> None:
        """End what is over and begin what is due. Seconds of the run's clock."""
        for each in [lasting for lasting in self._lasting if lasting.until <= at]:
            self._end(each)
        if at >= self._next and len(self._lasting) < self.MAX_AT_ONCE:
            self._begin(at=at)
            self._next = at + self._random.uniform(*self.PAUSE)

    def clear_up(self) -> None:
        """End every fault."""
        for each in list(self._lasting):
            self._end(each)

    def _begin(self, *, at: float) -> None:
        busy = {each.fault.part for each in self._lasting}
        fault = self._random.choice([each for each in FAULTS if each.part not in busy])
        seconds = self._random.uniform(*fault.seconds)
        self._say(f"fault: {fault.name} for {seconds:.1f} s")
        fault.begin(self._plane)
        self.counts[fault.name] = self.counts.get(fault.name, 0) + 1
        self._lasting.append(Lasting(fault=fault, until=at + seconds))

    def _end(self, lasting: Lasting) -> None:
        lasting.fault.end(self._plane)
        self._lasting.remove(lasting)
        self._say(f"over: {lasting.fault.name}")
