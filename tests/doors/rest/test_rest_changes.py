"""Plan, rollback, stop, scale, history and lanes over REST."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from agents.models import Agent, Server
from deployments.event_types import epoch_ms
from deployments.models import Deployment, User
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.types import DeploymentRecord
from tests.deployments.lane import Lane
from tests.doors.people import People

CANARY = "canary-5d5d-ø$"


@pytest.fixture
def lane(owner: User, server: Server, agent: Agent) -> Lane:
    made = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name="Shop")
    lane = Lane(owner=owner, project_id=made.id, server=server, agent=agent)
    lane.store_graph(web="web:1", db="db:1")
    return lane


@pytest.fixture
def two(lane: Lane) -> tuple[DeploymentRecord, DeploymentRecord]:
    first = lane.deployed(env_vars={"API_KEY": CANARY})
    lane.store_graph(web="web:2", db="db:1")
    return first, lane.deployed()


def post(api: APIClient, path: str, body: dict[str, Any], **headers: str) -> Any:
    return api.post(f"/api/{path}", body, format="json", headers=headers)


def test_a_plan_and_a_deployment_that_carries_its_approval(lane: Lane, owner_api: APIClient) -> None:
    target = {"serverId": str(lane.server.id)}
    answer = post(owner_api, f"projects/{lane.project_id}/plan", {**target, "envVars": {"API_KEY": CANARY}})
    assert answer.status_code == 200, answer.content
    plan = answer.json()["data"]["plan"]
    assert {change["serviceName"]: change["action"] for change in plan["changes"]} == {"web": "create", "db": "create"}
    assert CANARY not in answer.content.decode()
    body = {**target, "projectId": str(lane.project_id), "approval": plan["approval"]}
    refused = post(owner_api, "deployments", body)
    assert (refused.status_code, refused.json()["details"]) == (409, {"environment": "changed since the plan"})
    assert post(owner_api, "deployments", {**body, "envVars": {"API_KEY": CANARY}}).status_code == 201


def test_a_rollback_is_planned_then_asked_for_once(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], owner_api: APIClient
) -> None:
    path = f"deployments/{two[1].id}/rollback"
    plan = owner_api.get(f"/api/{path}/plan").json()["data"]["plan"]
    assert {change["serviceName"]: change["action"] for change in plan["changes"]}["web"] == "replace"
    body = {"targetDeploymentId": str(two[0].id)}
    first, again = (post(owner_api, path, body, **{"Idempotency-Key": "back"}) for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    made = first.json()["deployment"]
    assert (made["kind"], made["rollbackOf"], made["status"]) == ("rollback", str(two[1].id), 1)
    assert made["envVars"] == {"API_KEY": "***"}
    assert Deployment.objects.filter(kind="rollback").count() == 1


def test_stop_and_scale(lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], owner_api: APIClient) -> None:
    target = {"serverId": str(lane.server.id)}
    path = f"projects/{lane.project_id}"
    scaled = post(owner_api, f"{path}/scale", {**target, "serviceName": "web", "replicas": 2})
    assert (scaled.status_code, scaled.json()["deployment"]["kind"]) == (201, "scale")
    assert post(owner_api, f"{path}/scale", {**target, "serviceName": "web", "replicas": 0}).status_code == 400
    unknown = post(owner_api, f"{path}/scale", {**target, "serviceName": "nope", "replicas": 2})
    assert list(unknown.json()["details"]) == ["serviceName"]
    stopped = post(owner_api, f"{path}/stop", target)
    assert (stopped.status_code, stopped.json()["deployment"]["kind"]) == (201, "stop")


def test_history_difference_and_lanes(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], owner_api: APIClient
) -> None:
    listed = owner_api.get(f"/api/projects/{lane.project_id}/history?limit=1&page=2").json()["data"]
    assert listed["pagination"] == {"page": 2, "limit": 1, "total": 2, "totalPages": 2}
    (oldest,) = listed["history"]
    assert (oldest["version"], oldest["deploymentId"], oldest["restorable"]) == ("v1", str(two[0].id), True)
    newest = owner_api.get(f"/api/projects/{lane.project_id}/history").json()["data"]["history"][0]
    diff = owner_api.get(f"/api/history/{newest['id']}/diff?with={oldest['id']}").json()["data"]["diff"]
    assert (diff["envRemoved"], diff["envAdded"]) == (["API_KEY"], [])
    holder = lane.start(lane.ask())
    (view,) = owner_api.get(f"/api/projects/{lane.project_id}/lanes").json()["data"]["lanes"]
    assert (view["holder"]["deploymentId"], view["running"]["version"]) == (str(holder.id), "v2")
    assert 0 < view["since"] < view["until"] == epoch_ms(holder.deadline_at)
    assert owner_api.get(f"/api/history/{newest['id']}/diff").status_code == 400


@pytest.mark.parametrize(("who", "code"), [("stranger", 404), ("nobody", 401)])
def test_others_learn_nothing(
    lane: Lane, two: tuple[DeploymentRecord, DeploymentRecord], people: People, who: str, code: int
) -> None:
    api = people.api(who)
    target = {"serverId": str(lane.server.id)}
    project = f"projects/{lane.project_id}"
    answers = [
        post(api, f"{project}/plan", target),
        post(api, f"{project}/stop", target),
        post(api, f"{project}/scale", {**target, "serviceName": "web", "replicas": 2}),
        post(api, f"deployments/{two[1].id}/rollback", {}),
        api.get(f"/api/deployments/{two[1].id}/rollback/plan"),
        api.get(f"/api/{project}/history"),
        api.get(f"/api/{project}/lanes"),
    ]
    assert [answer.status_code for answer in answers] == [code] * len(answers)
