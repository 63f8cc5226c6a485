"""Bring scenes into their stages, and strike there."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.e2e.control_plane import ControlPlane, wait_for
from tests.e2e.faults.scene import Scene

# Long enough for the others to notice that it is gone.
GONE_SECONDS = 1.0


def hold(scenes: Sequence[Scene]) -> None:
    """The stages come one after the other: who has the longest way to go begins first."""
    for scene in reversed(scenes):
        scene.begin()
    for scene in scenes:
        scene.wait_until_there()


def kill_and_restart(plane: ControlPlane, name: str) -> None:
    """SIGKILL; back a moment later, and the control plane answers again."""
    if name == "postgres":
        plane.postgres.kill()
        plane.postgres.start()
    elif name == "redis":
        plane.redis.kill()
        plane.redis.start()
    else:
        plane.kill(name)
        time.sleep(GONE_SECONDS)
        plane.restart(name)
    wait_for(plane.web_answers, seconds=30, what="the web process", details=plane.tails)
