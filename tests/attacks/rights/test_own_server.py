"""What runs on one's own server is seen, stopped and forbidden by its owner, and by no stranger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments.states import Status
from tests import factories
from tests.attacks.cast import Scene, make_scene

VALUE = "sk_live_MALLORY_ONLY_123456"


@pytest.fixture
def scene(db: None) -> Scene:
    """Mallory's project ran on victor's server while he was a deployer of it."""
    made = make_scene()
    made.agreed()
    return made


def tenants(scene: Scene, name: str) -> Any:
    return scene.api(name).get(f"/api/servers/{scene.lane.server.id}/projects")


def on_server(scene: Scene) -> str:
    return f"servers/{scene.lane.server.id}/projects/{scene.lane.project_id}"


def of_project(scene: Scene) -> str:
    return f"/api/projects/{scene.lane.project_id}/targets"


def test_victor_learns_whose_projects_run_on_his_server_and_no_more(scene: Scene) -> None:
    asked = scene.deploy("mallory", envVars={"API_KEY": VALUE}).json()["deployment"]
    scene.lane.succeed(scene.started(factories.reload(asked["id"])))
    scene.remove("victor")
    [seen] = tenants(scene, "victor").json()["data"]["projects"]
    assert (seen["projectName"], seen["owner"], seen["state"]) == ("Shop", "mallory", "none")
    assert seen["stackName"].startswith("axion-shop-")
    assert seen["deployedSince"] > 0
    assert (seen["latest"]["status"], seen["latest"]["kind"]) == (3, "deploy")
    assert (seen["endedBy"], seen["endedBecause"]) == ("mallory", "victor left the project.")
    for secret in (VALUE, "API_KEY", "web:1", "n-web"):
        assert secret not in json.dumps(seen)
    assert tenants(scene, "mallory").status_code == tenants(scene, "bob").status_code == 404


def test_victor_stops_it_although_the_project_is_none_of_his_business(scene: Scene) -> None:
    scene.deployed("mallory")
    scene.remove("victor")
    assert scene.post("bob", f"{on_server(scene)}/stop").status_code == 404
    answer = scene.post("victor", f"{on_server(scene)}/stop")
    assert answer.status_code == 201
    stopping = factories.reload(answer.json()["data"]["stop"]["deploymentId"])
    assert (stopping.kind, stopping.requested_by) == ("stop", "victor")
    assert scene.lane.succeed(scene.started(stopping)).status is Status.SUCCESS
    [seen] = tenants(scene, "victor").json()["data"]["projects"]
    assert seen["deployedSince"] == 0
    assert scene.api("victor").get(f"/api/deployments/{stopping.id}").status_code == 404


def test_victors_stop_does_not_wait_for_what_works_there(scene: Scene) -> None:
    scene.deployed("mallory")
    working = scene.started(scene.asked("mallory"))
    stopping = scene.post("victor", f"{on_server(scene)}/stop").json()["data"]["stop"]["deploymentId"]
    assert factories.reload(working.id).cancel_requested_by == "victor"
    assert scene.lane.revert(working).status is Status.FAILED
    assert scene.started(factories.reload(stopping)).status is Status.IN_PROGRESS


def test_victor_forbids_it_and_strangers_cannot(scene: Scene) -> None:
    scene.deployed("mallory")
    for name in ("bob", "mallory"):
        assert scene.api(name).delete(f"/api/{on_server(scene)}").status_code == 404
    assert scene.deploy("mallory").status_code == 201
    assert scene.api("victor").delete(f"/api/{on_server(scene)}").status_code == 204
    assert scene.deploy("mallory").status_code == 403
    answer = scene.api("mallory").put(f"{of_project(scene)}/{scene.lane.server.id}")
    assert answer.json()["data"]["target"]["state"] == "asked"
    assert scene.deploy("mallory").status_code == 403
    answer = scene.api("victor").put(f"{of_project(scene)}/{scene.lane.server.id}")
    assert (answer.json()["data"]["target"]["state"], scene.deploy("mallory").status_code) == ("granted", 201)


@pytest.mark.parametrize("name", ["mallory", "victor", "ops"])
def test_who_owns_either_side_ends_it_from_the_projects_side_too(scene: Scene, name: str) -> None:
    path = f"{of_project(scene)}/{scene.lane.server.id}"
    assert scene.deploy("mallory").status_code == 201
    assert scene.api("alice").delete(path).status_code == 404
    assert scene.api(name).delete(path).status_code == 204
    assert scene.deploy("mallory").status_code == 403


def test_nobody_ends_or_stops_what_was_never_there(scene: Scene) -> None:
    elsewhere = factories.make_server(scene.users["victor"], name="elsewhere")
    unknown = f"servers/{elsewhere.id}/projects/{scene.lane.project_id}"
    assert scene.api("victor").delete(f"/api/{unknown}").status_code == 404
    assert scene.post("victor", f"{unknown}/stop").status_code == 404
    assert scene.api("mallory").delete(f"{of_project(scene)}/{elsewhere.id}").status_code == 404
    assert scene.api("ops").put(f"{of_project(scene)}/{scene.lane.project_id}").status_code == 404


def test_victor_stops_it_once(scene: Scene) -> None:
    scene.deployed("mallory")
    stop = f"{on_server(scene)}/stop"
    first, again = (scene.api("victor").post(f"/api/{stop}", HTTP_IDEMPOTENCY_KEY="r-1") for _ in range(2))
    ids = [answer.json()["data"]["stop"]["deploymentId"] for answer in (first, again)]
    assert ids[0] == ids[1]
    scene.lane.succeed(scene.started(factories.reload(ids[0])))
    assert scene.post("victor", stop).status_code == 409


def test_a_deployer_stops_it_only_while_the_right_lasts(scene: Scene) -> None:
    scene.join("bob")
    scene.deployed("mallory")
    stop = f"projects/{scene.lane.project_id}/stop"
    scene.api("victor").delete(f"/api/{on_server(scene)}")
    assert scene.post("bob", stop, **scene.where).status_code == 403
    scene.allow("victor")
    scene.allow("mallory")
    assert scene.post("bob", stop, **scene.where).status_code == 201


def test_a_deployer_without_servers_is_told_what_the_project_may_use(scene: Scene) -> None:
    scene.join("bob")
    [target] = scene.api("bob").get(of_project(scene)).json()["data"]["targets"]
    assert (target["name"], target["owner"], target["state"], target["usable"]) == ("box", "victor", "granted", True)
    assert (target["allowedBy"], target["offeredBy"]) == ("mallory", "victor")
    assert scene.api("bob").put(f"{of_project(scene)}/{scene.lane.server.id}").status_code == 403
    assert scene.api("bob").delete(f"{of_project(scene)}/{scene.lane.server.id}").status_code == 403
    assert scene.api("alice").get(of_project(scene)).status_code == 404


def test_nobody_asks_for_a_server_that_was_not_offered(scene: Scene) -> None:
    elsewhere = factories.make_server(scene.users["bob"], name="bobs")
    for server_id in (elsewhere.id, scene.lane.project_id):
        answer = scene.api("mallory").put(f"{of_project(scene)}/{server_id}")
        assert (answer.status_code, answer.json()["detail"]) == (404, "No such server.")


def test_a_lane_of_another_owner_is_not_scaled_by_who_lost_it(scene: Scene) -> None:
    scene.deployed("mallory")
    scene.api("victor").delete(f"/api/{on_server(scene)}")
    answer = scene.post(
        "mallory", f"projects/{scene.lane.project_id}/scale", serviceName="web", replicas=3, **scene.where
    )
    assert answer.status_code == 403
