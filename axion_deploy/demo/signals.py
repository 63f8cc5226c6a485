"""Ctrl-C, TERM, a closed terminal and the overall deadline all end the demo the same way: as an exception."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from axion_deploy.demo.errors import DeadlinePassed, Interrupted

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(number: int, _: FrameType | None) -> None:
    raise Interrupted(f"Stopped by {signal.Signals(number).name}.")


def listen() -> None:
    """Main thread only."""
    for number in ENDINGS:
        signal.signal(number, _interrupt)


def be_deaf() -> None:
    """Ignore every signal but SIGKILL: cleaning up must not be torn apart, and each of its steps has a limit."""
    signal.alarm(0)
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """Raises DeadlinePassed inside the block when it takes too long."""

    def passed(_: int, __: FrameType | None) -> None:
        raise DeadlinePassed(f"The demo did not get through within {seconds} s.")

    signal.signal(signal.SIGALRM, passed)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
