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
SHORT, LONG = (1.0, 6.0), (4.0, 25.0)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`part` is what fails: two faults at once never have the same one. `seconds` is how long it lasts, from and to."""

    name: str
    part: str
    seconds: tuple[float, float]
    begin: Callable[[Installation], None]
    end: Callable[[Installation], None]


def _killed(process: str) -> Fault:
    return Fault(
        name=f"{process} killed",
        part=process,
        seconds=SHORT,
        begin=lambda plane: plane.kill(process),
        end=lambda plane: plane.restart(process),
    )


def _asleep(process: str) -> Fault:
    return Fault(
        name=f"{process} stopped",
        part=process,
        seconds=LONG,
        begin=lambda plane: plane.put_asleep(process),
        end=lambda plane: plane.wake(process),
    )


def _wrong_clock(process: str, offset: str) -> Fault:
    return Fault(
        name=f"clock of {process} {offset}",
        part=process,
        seconds=LONG,
        begin=lambda plane: plane.set_clock(process, offset=offset),
        end=lambda plane: plane.set_clock(process, offset=""),
    )


def _disk_full() -> Fault:
    return Fault(
        name="disk of the agent full",
        part="disk",
        seconds=LONG,
        begin=lambda plane: plane.disk.fill(),
        end=lambda plane: plane.disk.free(),
    )


LINE = [
    Fault(
        name="line cut", part="line", seconds=LONG, begin=lambda plane: plane.line.cut(), end=lambda p: p.line.mend()
    ),
    Fault(
        name="line swallows",
        part="line",
        seconds=LONG,
        begin=lambda plane: plane.line.swallow(),
        end=lambda plane: plane.line.mend(),
    ),
]
ENGINE = [
    Fault(
        name="engine killed",
        part="engine",
        seconds=SHORT,
        begin=lambda plane: plane.engine.kill(),
        end=lambda plane: plane.engine.start(),
    ),
    Fault(
        name="engine frozen",
        part="engine",
        seconds=LONG,
        begin=lambda plane: plane.engine.freeze(),
        end=lambda plane: plane.engine.thaw(),
    ),
]
STORES = [
    Fault(
        name="PostgreSQL killed",
        part="postgres",
        seconds=SHORT,
        begin=lambda plane: plane.postgres.kill(),
        end=lambda plane: plane.postgres.start(),
    ),
    Fault(
        name="Redis flushed",
        part="redis",
        seconds=(0.0, 0.0),
        begin=lambda plane: plane.flush_redis(),
        end=lambda _: None,
    ),
]
FAULTS = (
    *(_killed(process) for process in PROCESSES),
    *(_asleep(process) for process in PROCESSES),
    *(_wrong_clock(process, offset) for process in CLOCKS for offset in OFFSETS if FAKETIME),
    *LINE,
    *ENGINE,
    *STORES,
    _disk_full(),
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
