"""The guarantees of separate processes hold in a small installation: its parts and all of it are killed at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from axion_deploy.demo.processes import CONTROL_PLANE
from tests.e2e import docker_view
from tests.e2e.control_plane import wait_for, write_project
from tests.e2e.graphs import server_code, two_services
from tests.e2e.small_plane import PARTS, SmallPlane

pytestmark = [pytest.mark.docker, pytest.mark.slow]

MAX_MIB = 250


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[SmallPlane]:
    made = SmallPlane(folder=tmp_path, settings={"AXION_TAKEOVER_AFTER": "4"})
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_parts_and_the_whole_are_killed_while_it_deploys(plane: SmallPlane, tmp_path: Path) -> None:
    wait_for(lambda: set(plane.pids()) == set(PARTS), seconds=30, what="all parts", details=plane.tails)
    assert plane.memory_mib() <= MAX_MIB
    code = {"web": server_code(text="web"), "api": server_code(text="small", slow_build=True)}
    folder = write_project(tmp_path / "project", name="Small", graph=two_services(slow_build=True), code=code)
    project = plane.import_project(folder)
    with docker_view.counted_starts(project) as starts:
        deployment = plane.deploy(project)
        # All of them while it builds.
        for part in PARTS:
            plane.kill_part(part)
        wait_for(plane.web_answers, seconds=30, what="the web part", details=plane.tails)
        parts = plane.pids()
        plane.kill(CONTROL_PLANE)
        wait_for(lambda: gone(parts), seconds=30, what="the end of parts that nobody keeps")
        plane.restart(CONTROL_PLANE)
        wait_for(plane.web_answers, seconds=30, what="the web part", details=plane.tails)
        ended = plane.wait_for_end(deployment)
        assert ended["status"] == 3, ended
        assert starts() == {"web": 1, "api": 1}
    running = plane.children[CONTROL_PLANE]
    running.request_stop()
    wait_for(lambda: running.exit_code is not None, seconds=30, what="its end", details=plane.tails)
    assert running.exit_code == 0


def gone(pids: dict[str, int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids.values())
