"""Rollback, stop and scale, judged by what Docker shows before and after."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import docker_view
from tests.e2e.conftest import MakeProject
from tests.e2e.control_plane import ControlPlane, wait_for
from tests.e2e.faults.host import picture
from tests.e2e.holder import Holder

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def made_of(container: dict[str, Any]) -> dict[str, Any]:
    """All that a container is made of, but for which one it is."""
    config = container["Config"]
    labels = config["Labels"]
    return {
        "image": container["Image"],
        "environment": sorted(config["Env"]),
        "command": config["Cmd"],
        "hash": labels["axion.hash"],
        "networks": sorted(container["NetworkSettings"]["Networks"]),
        "mounts": sorted(mount["Destination"] for mount in container["Mounts"]),
        "health": container["State"]["Health"]["Status"],
    }


def seen(project: str) -> dict[str, dict[str, Any]]:
    return {name: made_of(each) for name, each in docker_view.containers(project).items()}


def ids(project: str) -> dict[str, str]:
    return {name: each["Id"] for name, each in docker_view.containers(project).items()}


def go_back(plane: ControlPlane, deployment: str, **body: str) -> dict[str, Any]:
    answer = plane.api(f"deployments/{deployment}/rollback", send=body)
    assert answer.status == 201, answer
    assert answer.data is not None
    return plane.wait_for_end(str(answer.data["deployment"]["id"]))


def test_a_rollback_is_the_stack_of_then(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    first = control_plane.deploy(project, envVars={"COLOUR": "blue"})
    ended = control_plane.wait_for_end(first)
    assert ended["status"] == 3, (ended["errorMessage"], ended["logTail"])
    then, web = seen(project), ids(project)["web"]
    two_parts(text="another")
    second = control_plane.deploy(project, envVars={"COLOUR": "blue"})
    assert control_plane.wait_for_end(second)["status"] == 3
    assert seen(project)["api"]["image"] != then["api"]["image"]

    assert go_back(control_plane, second)["status"] == 3
    assert seen(project) == then
    assert ids(project)["web"] == web, "what was the same in both was not touched"
    assert control_plane.get(second)["status"] == 6

    third = control_plane.deploy(project, envVars={"COLOUR": "red"})
    assert control_plane.wait_for_end(third)["status"] == 3
    assert "COLOUR=red" in seen(project)["web"]["environment"]
    back = go_back(control_plane, third, targetDeploymentId=first)
    assert (back["status"], seen(project)) == (3, then)
    built = [event for event in control_plane.events(back["id"]) if event["payload"].get("source") == "build"]
    assert built == []


def test_a_rollback_to_what_is_gone_touches_nothing(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    first = control_plane.deploy(project)
    control_plane.wait_for_end(first)
    gone = seen(project)["api"]["image"]
    two_parts(text="another")
    second = control_plane.deploy(project)
    control_plane.wait_for_end(second)
    before = ids(project)
    docker_view.docker("rmi", "--force", gone)
    answer = control_plane.api(f"deployments/{second}/rollback", send={})
    if answer.status == 201:  # asked before the host told that the image is gone
        assert answer.data is not None
        ended = control_plane.wait_for_end(str(answer.data["deployment"]["id"]))
        assert (ended["status"], ended["reason"]) == (4, "image"), ended
        assert "api" in ended["errorMessage"]
    else:
        assert answer.status == 409, answer
    assert ids(project) == before
    assert control_plane.get(second)["status"] == 3


def test_scale_adds_a_copy_and_stop_leaves_nothing_running(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    control_plane.wait_for_end(control_plane.deploy(project))
    before = set(ids(project).values())
    target = {"serverId": str(control_plane.bootstrap["server"])}

    scaled = control_plane.api(f"projects/{project}/scale", send={**target, "serviceName": "web", "replicas": 2})
    assert scaled.data is not None, scaled
    assert control_plane.wait_for_end(scaled.data["deployment"]["id"])["status"] == 3
    label = f"label=axion.project={project}"
    running = docker_view.docker("ps", "-q", "--no-trunc", "--filter", label).split()
    assert len(running) == 3
    assert before < set(running), "the copies that ran before are among them"

    stopped = control_plane.api(f"projects/{project}/stop", send=target)
    assert stopped.data is not None, stopped
    assert control_plane.wait_for_end(stopped.data["deployment"]["id"])["status"] == 3
    assert docker_view.leftovers(project)["containers"] == []
    assert docker_view.leftovers(project)["networks"] == []


def test_a_cancelled_rollback_puts_back_what_it_was_to_undo(
    control_plane: ControlPlane, two_parts: MakeProject, holder: Holder
) -> None:
    # Who goes back to it is held there until the cancel has come.
    project = two_parts(text="first", held=holder)
    first = control_plane.deploy(project)
    assert control_plane.wait_for_end(first)["status"] == 3
    two_parts(text="another")
    second = control_plane.deploy(project)
    assert control_plane.wait_for_end(second)["status"] == 3
    before = picture(project)

    holder.hold("first")
    answer = control_plane.api(f"deployments/{second}/rollback", send={})
    assert answer.data is not None, answer
    rollback = str(answer.data["deployment"]["id"])
    wait_for(lambda: control_plane.stored.progress(rollback)[1] == "deploying", seconds=30, what="the rollback at work")
    assert control_plane.get(second)["status"] == 5
    assert control_plane.api(f"deployments/{second}/cancel", send={}).status == 409
    assert control_plane.api(f"deployments/{rollback}/cancel", send={}).status == 202
    control_plane.kill("runner")
    control_plane.restart("runner")

    ended = control_plane.wait_for_end(rollback)
    assert (ended["status"], ended["reason"]) == (4, "cancelled"), ended
    undone = control_plane.get(second)
    assert (undone["status"], undone["rolledBackBy"]) == (3, "")
    after = picture(project)
    assert after.services == before.services
    assert (after.networks, after.volumes, after.ids["web"]) == (before.networks, before.volumes, before.ids["web"])
