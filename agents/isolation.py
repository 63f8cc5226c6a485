"""Loops over many items: a fault of one is logged, counted and left for later, and the others go on."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection

from agents.backoff import Backoff
from agents.db_errors import DATABASE_AWAY

REST = Backoff(first=2.0, most=300.0)
# Beyond it the oldest are forgotten, and looked at again.
MAX_RESTING = 10_000

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Rest:
    """An item that failed so many times in a row and is not looked at before `until`, by the monotonic clock."""

    failures: int
    until: float


class Isolation:
    """What failed in one loop of this process. An item that failed rests, longer each time; one that passed is
    forgotten. Threads may share it.
    """

    def __init__(self, *, loop: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._loop = loop
        self._clock = clock
        self._lock = threading.Lock()
        self._resting: OrderedDict[Hashable, _Rest] = OrderedDict()

    @property
    def failing(self) -> int:
        """Return how many items failed when they were last looked at.

        An item that was not looked at again long after its rest has gone another way, and is not counted.
        """
        with self._lock:
            self._forget_gone()
            return len(self._resting)

    def resting(self) -> tuple[Any, ...]:
        """Return the items that are not to be looked at yet, so that a query can leave them out."""
        now = self._clock()
        with self._lock:
            return tuple(item for item, rest in self._resting.items() if rest.until > now)

    def rests(self, item: Hashable) -> bool:
        """Tell whether this item is not to be looked at yet."""
        with self._lock:
            rest = self._resting.get(item)
        return rest is not None and rest.until > self._clock()

    @contextmanager
    def item(self, item: Hashable, *, raising: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Work on one item: a fault ends the block and is noted, and the caller goes on with the next one.

        A database that is away is no fault of the item and is raised, as is what `raising` names. A database that still
        answers is not away, whatever it said about this item.
        """
        try:
            yield
        except raising:
            raise
        except DATABASE_AWAY as error:
            if not connection.is_usable():
                raise
            self._note(item, error)
        except Exception as error:
            self._note(item, error)
        else:
            with self._lock:
                self._resting.pop(item, None)

    def attempt(self, item: Hashable, act: Callable[[], object]) -> bool:
        """Do this for one item, as `item` has it; tell whether it passed."""
        passed = []
        with self.item(item):
            act()
            passed.append(item)
        return bool(passed)

    def _forget_gone(self) -> None:
        long_ago = self._clock() - 2 * REST.most
        for item in [item for item, rest in self._resting.items() if rest.until < long_ago]:
            del self._resting[item]

    def _note(self, item: Hashable, error: Exception) -> None:
        with self._lock:
            earlier = self._resting.pop(item, None)
            failures = 1 + (earlier.failures if earlier else 0)
            rest = REST.pause(failures=failures)
            self._resting[item] = _Rest(failures=failures, until=self._clock() + rest)
            while len(self._resting) > MAX_RESTING:
                self._resting.popitem(last=False)
        logger.error(
            "item failed, the others go on",
            loop=self._loop,
            item=str(item),
            failures=failures,
            seconds=round(rest, 1),
            exc_info=error,
        )


_LOOPS: dict[str, Isolation] = {}


def isolation(loop: str) -> Isolation:
    """Return this process's isolation of the loop with this name."""
    return _LOOPS.setdefault(loop, Isolation(loop=loop))


def failing() -> dict[str, int]:
    """Return by loop how many items of this process fail; loops without a fault are left out."""
    return {name: found.failing for name, found in sorted(_LOOPS.items()) if found.failing}
