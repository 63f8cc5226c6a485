"""One deployment, seen from outside: what the API says and what Docker says are the same."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.e2e import docker_view
from tests.e2e.conftest import MakeProject
from tests.e2e.control_plane import FINISHED, ControlPlane

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_success_is_what_docker_shows(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    ended = control_plane.wait_for_end(control_plane.deploy(project))
    assert ended["status"] == 3, ended
    running = docker_view.containers(project)
    assert sorted(running) == ["api", "web"]
    for container in running.values():
        assert container["State"]["Health"]["Status"] == "healthy"
        assert container["Config"]["Labels"]["axion.project"] == project
    assert {each["serviceName"]: each["status"] for each in ended["serviceStatuses"]} == {"api": 3, "web": 3}


def test_events_tell_the_whole_story_without_a_gap(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    deployment = control_plane.deploy(two_parts())
    control_plane.wait_for_end(deployment)
    events = control_plane.events(deployment)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    changes = [(e["payload"]["from"], e["payload"]["to"]) for e in events if e["type"] == "deployment.status_changed"]
    assert changes == [("pending", "in_progress"), ("in_progress", "success")]
    percents = [e["payload"]["percent"] for e in events if e["type"] == "deployment.stage_reached"]
    assert percents == sorted(percents)
    assert any(event["type"] == "deployment.log_written" for event in events)


def test_what_runs_can_be_read_and_searched(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts(text="api")
    control_plane.wait_for_end(control_plane.deploy(project))
    answer = control_plane.api(f"projects/{project}/logs?search=STARTS")
    assert answer.data is not None, answer
    logs = answer.data["data"]["logs"]
    assert {(line["service"], line["text"]) for line in logs["lines"]} == {("web", "web starts"), ("api", "api starts")}
    assert [int(line["at"]) for line in logs["lines"]] == sorted(int(line["at"]) for line in logs["lines"])
    assert (logs["remarks"], logs["leftOut"]) == ([], 0)


def test_a_restart_makes_one_service_anew(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    control_plane.wait_for_end(control_plane.deploy(project))
    before = {name: each["Id"] for name, each in docker_view.containers(project).items()}
    wish = {"serverId": str(control_plane.bootstrap["server"]), "serviceName": "web"}
    asked = control_plane.api(f"projects/{project}/restart", send=wish)
    assert asked.data is not None, asked
    ended = control_plane.wait_for_end(asked.data["deployment"]["id"])
    assert (ended["status"], ended["kind"], ended["restartedService"]) == (3, "restart", "web")
    after = {name: each["Id"] for name, each in docker_view.containers(project).items()}
    assert {name for name in after if after[name] != before[name]} == {"web"}


def test_nothing_changed_touches_nothing(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    control_plane.wait_for_end(control_plane.deploy(project))
    before = {name: each["Id"] for name, each in docker_view.containers(project).items()}
    assert control_plane.wait_for_end(control_plane.deploy(project))["status"] == 3
    assert {name: each["Id"] for name, each in docker_view.containers(project).items()} == before


def test_a_changed_service_leaves_the_others_alone(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    control_plane.wait_for_end(control_plane.deploy(project))
    before = docker_view.containers(project)
    two_parts(text="another")
    assert control_plane.wait_for_end(control_plane.deploy(project))["status"] == 3
    after = docker_view.containers(project)
    assert after["web"]["Id"] == before["web"]["Id"]
    assert after["api"]["Image"] != before["api"]["Image"]


def test_an_unhealthy_first_deployment_fails_and_leaves_nothing(
    control_plane: ControlPlane, two_parts: MakeProject
) -> None:
    project = two_parts(healthy=False)
    control_plane.sql("UPDATE projects SET health_deadline = 12 WHERE id = %s", project)
    ended = control_plane.wait_for_end(control_plane.deploy(project))
    assert ended["status"] == 4, ended
    assert "api" in ended["errorMessage"]
    assert ended["reason"] == "unhealthy"
    assert ended["failedService"] == "api"
    assert any("starts" in line for line in ended["logTail"])
    assert docker_view.leftovers(project) == {"containers": [], "networks": [], "volumes": []}


def test_an_unhealthy_second_deployment_puts_the_first_back(
    control_plane: ControlPlane, two_parts: MakeProject
) -> None:
    project = two_parts()
    control_plane.wait_for_end(control_plane.deploy(project))
    before = {name: each["Image"] for name, each in docker_view.containers(project).items()}
    two_parts(healthy=False, soon_unhealthy=True)
    ended = control_plane.wait_for_end(control_plane.deploy(project))
    assert (ended["status"], ended["reason"]) == (6, "unhealthy")
    after = docker_view.containers(project)
    assert {name: each["Image"] for name, each in after.items()} == before
    assert all(each["State"]["Running"] for each in after.values())


def test_ten_at_once_run_one_after_the_other(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    deployments = [control_plane.deploy(project) for _ in range(10)]
    ended = [control_plane.wait_for_end(each, seconds=120) for each in deployments]
    assert [FINISHED[each["status"]] for each in ended] == ["success"] * 10
    spans = sorted((each["startedAt"], each["completedAt"]) for each in ended)
    assert [each["startedAt"] for each in ended] == [start for start, _ in spans]
    for (_, end), (start, _) in pairwise(spans):
        assert start >= end


def test_the_same_request_twice_is_one_deployment(control_plane: ControlPlane, two_parts: MakeProject) -> None:
    project = two_parts()
    body = {"projectId": project, "serverId": control_plane.bootstrap["server"]}
    first, second = (
        control_plane.api("deployments", send={**body, "metadata": {"requestId": f"twice-{project}"}}) for _ in range(2)
    )
    assert first.data is not None
    assert second.data is not None
    assert first.data["deployment"]["id"] == second.data["deployment"]["id"]
    control_plane.wait_for_end(first.data["deployment"]["id"])
    listed = control_plane.api(f"deployments?projectId={project}")
    assert listed.data is not None
    assert listed.data["data"]["pagination"]["total"] == 1
