"""Waiting for a server that was just started."""

from __future__ import annotations

import time
from collections.abc import Callable

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.errors import NotReady

POLL_SECONDS = 0.05


def wait_ready(child: Child, *, probe: Callable[[], bool], seconds: float) -> None:
    """Returns as soon as the probe says yes; raises NotReady when the program ends first or the time is up."""
    deadline = time.monotonic() + seconds
    while not probe():
        if not child.is_running():
            raise NotReady(f"{child.name} ended with code {child.exit_code}:\n{child.tail()}")
        if time.monotonic() > deadline:
            raise NotReady(f"{child.name} did not answer within {seconds:g} s:\n{child.tail()}")
        time.sleep(POLL_SECONDS)
