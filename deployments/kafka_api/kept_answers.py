"""Answers kept as bytes for as long as what they tell has not changed: many callers ask for the same deployment."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from deployments.kafka_api.replies import Answer, encoded

MAX_KEPT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """`subject` names what is told of, and `state` which state of it: another state replaces the former answer."""

    subject: Hashable
    state: Hashable


@dataclass
class KeptAnswers:
    """Safe for threads. Those that were asked for longest ago make room for new ones, within MAX_KEPT_BYTES.

    Whoever asks with a stamp has been let see it: nothing here knows about rights.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: OrderedDict[Hashable, tuple[Hashable, bytes]] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def answer(self, stamp: Stamp, make: Callable[[], Answer]) -> Answer:
        """Return the answer kept for this state, or the one that `make` returns. What it raises is not kept.

        What `make` reads may be newer than the stamp: it is then kept for a state that nobody reads again.
        """
        with self._lock:
            state, content = self._kept.get(stamp.subject, (None, b""))
            if content and state == stamp.state:
                self._kept.move_to_end(stamp.subject)
                return Answer(content=content)
        content = encoded(make())
        self._keep(stamp, content)
        return Answer(content=content)

    def _keep(self, stamp: Stamp, content: bytes) -> None:
        with self._lock:
            _, former = self._kept.pop(stamp.subject, (None, b""))
            self._bytes += len(content) - len(former)
            self._kept[stamp.subject] = (stamp.state, content)
            while self._bytes > MAX_KEPT_BYTES:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._bytes -= len(dropped)
