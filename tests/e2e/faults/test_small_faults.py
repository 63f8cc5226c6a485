"""Kill -9 of the parts of a small installation, in each stage: the end is the one without the fault.

By itself one part in two stages: what differs from separate processes is who starts a part again. With
AXION_TEST_SMALL_FAULTS=1 it is every process in every stage, and cancels, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.control_plane import wait_for
from tests.e2e.faults.holding import CANCEL_WINDOW, hold, kill_and_restart, succeed_though_killed
from tests.e2e.faults.scene import CANCELLED, Scene, all_scenes
from tests.e2e.faults.stages import PROCESSES, STAGES
from tests.e2e.small_plane import PARTS, SmallPlane

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ALL = bool(os.environ.get("AXION_TEST_SMALL_FAULTS"))
# The image of the first stage is built for long; the others show a part that was at work as well.
CHOSEN = STAGES if ALL else STAGES[1:]


@pytest.fixture(scope="module")
def small_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPlane]:
    plane = SmallPlane(folder=tmp_path_factory.mktemp("small"), settings={"AXION_TAKEOVER_AFTER": "4"})
    try:
        plane.start()
        wait_for(lambda: set(plane.pids()) == set(PARTS), seconds=30, what="all parts", details=plane.tails)
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def scenes(small_plane: SmallPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Scene]]:
    yield from all_scenes(Scene, plane=small_plane, stages=CHOSEN, folder=tmp_path_factory.mktemp("scenes"))


@pytest.mark.parametrize("process", PROCESSES if ALL else ["gateway"])
def test_killed_in_every_stage_it_ends_as_it_would_have(
    small_plane: SmallPlane, scenes: list[Scene], process: str
) -> None:
    for scene in succeed_though_killed(small_plane, scenes, process):
        after = scene.after()
        assert after.services["api"].image != scene.before.services["api"].image
        assert (after.networks, after.volumes) == (scene.before.networks, scene.before.volumes)


@pytest.mark.skipif(not ALL, reason="AXION_TEST_SMALL_FAULTS=1 runs it")
@pytest.mark.parametrize("process", PROCESSES)
def test_cancelled_in_every_stage_all_is_as_before(small_plane: SmallPlane, scenes: list[Scene], process: str) -> None:
    hold(scenes, window=CANCEL_WINDOW)
    for scene in scenes:
        scene.cancel()
    kill_and_restart(small_plane, process)
    for scene in scenes:
        ended = scene.end()
        assert (ended["status"], ended["reason"]) == (4, "cancelled"), ended
        assert scene.changes() == CANCELLED
        assert scene.after().services == scene.before.services
