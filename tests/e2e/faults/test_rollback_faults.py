"""Faults during rollbacks by hand: killed they end as they would have, cancelled they leave what ran."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.control_plane import ControlPlane
from tests.e2e.faults.holding import CANCEL_WINDOW, hold, kill_and_restart, succeed_though_killed
from tests.e2e.faults.scene import CANCELLED, RollbackScene, all_scenes
from tests.e2e.faults.stages import PROCESSES, STAGES

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def scenes(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RollbackScene]]:
    """A rollback builds nothing, so nothing holds it in a stage that only builds."""
    stages = [stage for stage in STAGES if stage.name != "building"]
    yield from all_scenes(RollbackScene, plane=control_plane, stages=stages, folder=tmp_path_factory.mktemp("scenes"))


@pytest.mark.parametrize("process", PROCESSES)
def test_killed_it_ends_as_it_would_have(
    control_plane: ControlPlane, scenes: list[RollbackScene], process: str
) -> None:
    for scene in succeed_though_killed(control_plane, scenes, process):
        assert scene.status_of_undone() == 6
        restored = scene.after().services["api"]
        assert (restored.image, restored.environment) == (scene.wanted.image, scene.wanted.environment)
        scene.succeeded()


@pytest.mark.parametrize("process", ["runner", "gateway", "worker", "postgres"])
def test_cancelled_it_leaves_what_ran(control_plane: ControlPlane, scenes: list[RollbackScene], process: str) -> None:
    hold(scenes, window=CANCEL_WINDOW)
    for scene in scenes:
        scene.cancel()
    kill_and_restart(control_plane, process)
    for scene in scenes:
        ended = scene.end()
        assert (ended["status"], ended["reason"]) == (4, "cancelled"), ended
        assert scene.changes() == CANCELLED
        assert scene.status_of_undone() == 3
        assert scene.after().services == scene.before.services
