"""Bring scenes into their stages, and strike there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TypeVar

from tests.e2e import docker_view
from tests.e2e.control_plane import ControlPlane, wait_for
from tests.e2e.faults.scene import SUCCEEDED, Scene

# Long enough for the others to notice that it is gone.
GONE_SECONDS = 1.0
# Health windows. A kill comes as soon as all are there; a cancel has to reach the agent past a process that is gone.
KILL_WINDOW, CANCEL_WINDOW = 6, 12
S = TypeVar("S", bound=Scene)


def hold(scenes: Sequence[Scene], *, window: int) -> None:
    """The stages come one after the other: who has the longest way to go begins first."""
    for scene in reversed(scenes):
        scene.begin(window=window)
    for scene in scenes:
        scene.wait_until_there()


def release(scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        scene.release()


def kill_and_restart(plane: ControlPlane, name: str, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """SIGKILL; back a moment later, and the control plane answers again. `meanwhile` is called while it is gone."""
    if name == "postgres":
        plane.postgres.kill()
        meanwhile()
        plane.postgres.start()
    elif name == "redis":
        plane.redis.kill()
        meanwhile()
        plane.redis.start()
    else:
        plane.kill(name)
        meanwhile()
        time.sleep(GONE_SECONDS)
        plane.restart(name)
    wait_for(plane.web_answers, seconds=30, what="the web process", details=plane.tails)


def succeed_though_killed(plane: ControlPlane, scenes: Sequence[S], process: str) -> Iterator[S]:
    """The scenes, each after its deployment replaced `api` once and nothing else, though the process was killed."""
    with ExitStack() as listening:
        starts = [listening.enter_context(docker_view.counted_starts(scene.project)) for scene in scenes]
        hold(scenes, window=KILL_WINDOW)
        kill_and_restart(plane, process, meanwhile=lambda: release(scenes))
        for scene, started in zip(scenes, starts, strict=True):
            ended = scene.end()
            assert ended["status"] == 3, ended
            assert scene.changes() == SUCCEEDED
            assert scene.after().ids["web"] == scene.before.ids["web"]
            assert started() == {"api": 1}
            yield scene
