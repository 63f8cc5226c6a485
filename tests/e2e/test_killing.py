"""Losses that no single stage shows; each process in each stage is killed in `faults`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e import docker_view
from tests.e2e.conftest import MakeProject
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.graphs import server_code, two_services

pytestmark = [pytest.mark.docker, pytest.mark.slow]

TAKEOVER_SECONDS = 20


def wait_for_log(plane: ControlPlane, deployment: str, text: str) -> None:
    """Until the agent's output of the deployment holds the text."""

    def written() -> bool:
        return any(text in str(event["payload"].get("text", "")) for event in plane.events(deployment))

    wait_for(written, seconds=40, what=f"{text!r} in the log", details=plane.tails)


def test_a_job_lost_with_redis_and_worker_is_taken_over(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    control_plane.kill("worker")
    deployment = control_plane.deploy(project)
    control_plane.flush_redis()
    control_plane.restart("worker")
    wait_for(
        lambda: control_plane.get(deployment)["status"] != 1,
        seconds=TAKEOVER_SECONDS,
        what="another worker to start it",
    )
    ended = control_plane.wait_for_end(deployment)
    assert ended["status"] == 3, ended


@pytest.mark.parametrize("delay", [0.1, 1.0])
def test_the_agent_killed_while_applying_starts_nothing_twice(
    control_plane: ControlPlane, two_parts: MakeProject, delay: float
) -> None:
    project = two_parts()

    def applying() -> bool:
        return any(event["payload"].get("stage") == "deploying" for event in control_plane.events(deployment))

    with docker_view.counted_starts(project) as starts:
        deployment = control_plane.deploy(project)
        wait_for(applying, seconds=40, what="the stage deploying")
        time.sleep(delay)
        control_plane.kill("runner")
        control_plane.restart("runner")
        ended = control_plane.wait_for_end(deployment)
        assert ended["status"] == 3, ended
        assert starts() == {"web": 1, "api": 1}
    assert len(docker_view.leftovers(project)["containers"]) == 2


def test_an_agent_away_for_good_is_lost_and_its_return_changes_nothing(tmp_path: Path) -> None:
    plane = ControlPlane(folder=tmp_path, settings={"AXION_AGENT_LOST_AFTER": "25", "AXION_AGENT_SILENT_AFTER": "4"})
    try:
        plane.start()
        # The control plane must have listened for as long before it may call anyone lost.
        code = {"web": server_code(text="web"), "api": server_code(text="lost", slow_build=True)}
        project = plane.import_project(
            write_project(tmp_path / "p", name="Lost", graph=two_services(slow_build=True), code=code)
        )
        deployment = plane.deploy(project)
        wait_for_log(plane, deployment, "sleep 6")
        plane.kill("runner")
        ended = plane.wait_for_end(deployment, seconds=70)
        assert (ended["status"], ended["reason"]) == (4, "agent_lost")
        plane.restart("runner")
        wait_for(
            lambda: docker_view.leftovers(project) == {"containers": [], "networks": [], "volumes": []},
            seconds=60,
            what="the agent to put back what ran before",
        )
        time.sleep(2)
        after = plane.get(deployment)
        # That it answered is noted beside the decision, which stays.
        noted = {"updatedAt": 0, "lastSequence": 0, "errorMessage": ""}
        assert {**after, **noted} == {**ended, **noted}
        assert after["errorMessage"].startswith(ended["errorMessage"])
    finally:
        plane.stop()
