"""Kill -9 and cancel, in each stage and for each process: the end is the one without the fault, and Docker shows it.

A case drives one project for each stage at the same time, so one killed process meets all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.control_plane import ControlPlane
from tests.e2e.faults.holding import CANCEL_WINDOW, hold, kill_and_restart, succeed_though_killed
from tests.e2e.faults.scene import CANCELLED, Scene, all_scenes
from tests.e2e.faults.stages import PROCESSES, STAGES

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def scenes(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Scene]]:
    yield from all_scenes(Scene, plane=control_plane, stages=STAGES, folder=tmp_path_factory.mktemp("scenes"))


@pytest.fixture
def held(scenes: list[Scene]) -> list[Scene]:
    """Each in its stage."""
    hold(scenes, window=CANCEL_WINDOW)
    return scenes


@pytest.mark.parametrize("process", PROCESSES)
def test_killed_in_every_stage_it_ends_as_it_would_have(
    control_plane: ControlPlane, scenes: list[Scene], process: str
) -> None:
    for scene in succeed_though_killed(control_plane, scenes, process):
        after = scene.after()
        assert after.services["web"] == scene.before.services["web"]
        assert after.services["api"].image != scene.before.services["api"].image
        assert (after.networks, after.volumes) == (scene.before.networks, scene.before.volumes)


@pytest.mark.parametrize("process", PROCESSES)
def test_cancelled_in_every_stage_all_is_as_before(
    control_plane: ControlPlane, held: list[Scene], process: str
) -> None:
    for scene in held:
        scene.cancel()
    kill_and_restart(control_plane, process)
    for scene in held:
        ended = scene.end()
        assert (ended["status"], ended["reason"]) == (4, "cancelled"), ended
        assert "what ran before is back" in ended["errorMessage"]
        assert scene.changes() == CANCELLED
        after = scene.after()
        assert after.services == scene.before.services
        assert (after.networks, after.volumes) == (scene.before.networks, scene.before.volumes)
        assert after.ids["web"] == scene.before.ids["web"]
        if scene.stage.untouched:
            assert after.ids == scene.before.ids
