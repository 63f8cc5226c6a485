"""What REST takes and answers."""

from __future__ import annotations

import json
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from agents.models import EnrolmentToken, Server
from deployments.models import Deployment, Project
from tests import factories
from tests.doors.people import People

GRAPH = {
    "nodes": [{"id": "n1", "type": 2, "data": {"serviceName": "db", "config": {"databaseType": "postgresql"}}}],
    "edges": [],
}


@pytest.fixture
def project_with_graph(project: Project, owner_api: APIClient) -> Project:
    answer = owner_api.put(f"/api/projects/{project.id}/graph", GRAPH, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["data"] == {"graphVersion": 2, "warnings": []}
    return project


def test_a_key_that_means_nothing_is_told_and_an_empty_graph_is_refused(
    project: Project, server: Server, owner_api: APIClient
) -> None:
    factories.make_agent(server)
    path = f"/api/projects/{project.id}/graph"
    config = {"image": "nginx:1.29", "labels": "a=b"}
    node = {"id": "n1", "type": 1, "data": {"serviceName": "web", "config": config}}
    answer = owner_api.put(path, {"nodes": [node], "edges": []}, format="json")
    sentence = "'web': config.labels means nothing here; did you mean label.NAME?"
    assert answer.json()["data"]["warnings"] == [sentence]
    plan = owner_api.post(f"/api/projects/{project.id}/plan", body_for(project, server), format="json")
    assert sentence in json.dumps(plan.json(), ensure_ascii=False), plan.content
    owner_api.put(path, {"nodes": [], "edges": []}, format="json")
    refused = owner_api.post("/api/deployments", body_for(project, server), format="json")
    assert refused.status_code == 400
    assert "stop the project" in refused.content.decode()


def body_for(project: Project, server: Server, **more: object) -> dict[str, object]:
    return {"projectId": str(project.id), "serverId": str(server.id), **more}


def test_deploying_answers_at_once_and_hides_values(
    project_with_graph: Project, server: Server, owner_api: APIClient
) -> None:
    body = body_for(project_with_graph, server, envVars={"PASSWORD": "s3cret-value"})
    answer = owner_api.post("/api/deployments", body, format="json")
    assert answer.status_code == 201, answer.content
    made = answer.json()["deployment"]
    assert (answer.json()["status"], made["status"], made["currentStage"]) == (1, 1, 0)
    assert made["envVars"] == {"PASSWORD": "***"}
    assert made["serverId"] == str(server.id)
    assert answer["Location"] == f"/api/deployments/{made['id']}"
    assert "s3cret-value" not in answer.content.decode()


@pytest.mark.parametrize("carrier", ["header", "body"])
def test_the_same_request_deploys_once(
    project_with_graph: Project, server: Server, owner_api: APIClient, carrier: str
) -> None:
    headers = {"Idempotency-Key": "once"} if carrier == "header" else {}
    body = body_for(project_with_graph, server, **({"metadata": {"requestId": "once"}} if carrier == "body" else {}))
    first, second = (owner_api.post("/api/deployments", body, format="json", headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert Deployment.objects.count() == 1


def test_a_body_never_says_who_the_caller_is(project_with_graph: Project, server: Server, people: People) -> None:
    forged = body_for(
        project_with_graph,
        server,
        userId=str(people.users["owner"].id),
        metadata={"userId": str(people.users["owner"].id)},
    )
    assert people.api("stranger").post("/api/deployments", forged, format="json").status_code == 404
    assert not Deployment.objects.exists()


def test_a_broken_graph_names_node_and_field_and_stores_nothing(project: Project, owner_api: APIClient) -> None:
    wrong = {"nodes": [{"id": "n1", "type": 1, "data": {"serviceName": "a", "config": {"port": "99999"}}}], "edges": []}
    answer = owner_api.put(f"/api/projects/{project.id}/graph", wrong, format="json")
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["code"] == "VALIDATION_ERROR"
    assert any(field.startswith("n1.") and "port" in field for field in problem["details"])
    assert project.graph_versions.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "projectId"),
        ({"projectId": "7", "serverId": "x"}, "projectId"),
        ({"projectId": "1f9df1f6-6f0f-4f2e-8f61-2a0d3a9f2b61"}, "serverId"),
        ({"projectId": "1f9df1f6-6f0f-4f2e-8f61-2a0d3a9f2b61", "envVars": {"A": {"b": 1}}}, "envVars.A"),
    ],
)
def test_wrong_fields_are_named(owner_api: APIClient, body: dict[str, object], field: str) -> None:
    answer = owner_api.post("/api/deployments", body, format="json")
    assert answer.status_code == 400
    assert field in answer.json()["details"]


@pytest.mark.parametrize("raw", ["{", "[]", "null", '"text"'])
def test_what_is_no_json_object_is_a_validation_error(owner_api: APIClient, raw: str) -> None:
    answer = owner_api.post("/api/deployments", raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "VALIDATION_ERROR"


def test_errors_are_problem_documents(deployment: Deployment, people: People) -> None:
    answer = people.api("stranger").get(f"/api/deployments/{deployment.id}")
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["type"]) == (404, "NOT_FOUND", "about:blank")
    assert problem["error"] == {"code": "NOT_FOUND", "message": problem["detail"], "details": {}}


def test_nobody_is_told_how_to_sign_in(people: People, deployment: Deployment) -> None:
    answer = people.api("nobody").get("/api/deployments")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
    wrong = APIClient()
    wrong.credentials(HTTP_AUTHORIZATION="Token 0000")
    assert wrong.get("/api/deployments").json()["code"] == "UNAUTHORIZED"


def test_a_second_cancel_is_the_first_one_but_another_end_is_a_conflict(
    owner_api: APIClient, project: Project, server: Server, deployment: Deployment
) -> None:
    address = f"/api/deployments/{deployment.id}/cancel"
    for _ in range(2):
        answer = owner_api.post(address)
        assert (answer.status_code, answer.json()["deployment"]["reason"]) == (202, "cancelled")
    ended = factories.make_deployment(project, server, status="success", completed_at=factories.NOW)
    answer = owner_api.post(f"/api/deployments/{ended.id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


def test_too_many_requests_are_told_when_to_come_back(
    owner_api: APIClient, project: Project, settings: Settings
) -> None:
    settings.AXION_RATE_LIMIT = "1/day"
    assert owner_api.get("/api/projects").status_code == 200
    answer = owner_api.get("/api/projects")
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert int(answer["Retry-After"]) > 0


def test_a_failure_of_ours_tells_nothing_of_itself(owner_api: APIClient, project: Project) -> None:
    with patch(
        "deployments.services.projects.project_settings.list_projects", side_effect=OperationalError("secret address")
    ):
        answer = owner_api.get("/api/projects")
    assert (answer.status_code, answer.json()["code"]) == (503, "DATABASE_ERROR")
    assert "secret address" not in answer.content.decode()


def test_projects_and_servers_are_made_once_per_name(owner_api: APIClient, people: People) -> None:
    made = owner_api.post("/api/projects", {"name": "Shop", "healthDeadline": 60}, format="json")
    assert (made.status_code, made.json()["project"]["healthDeadline"]) == (201, 60)
    assert owner_api.post("/api/projects", {"name": "Shop"}, format="json").status_code == 409
    added = owner_api.post("/api/servers", {"name": "box"}, format="json")
    assert (added.status_code, added.json()["server"]["status"]) == (201, 4)
    assert owner_api.post("/api/servers", {"name": "box"}, format="json").status_code == 409
    assert people.api("stranger").post("/api/servers", {"name": "box"}, format="json").status_code == 201


def test_an_enrolment_token_is_shown_once_and_kept_as_a_hash(owner_api: APIClient, server: Server) -> None:
    answer = owner_api.post(f"/api/servers/{server.id}/enrolment-tokens")
    token = answer.json()["data"]["token"]
    assert EnrolmentToken.objects.get(server_id=server.id).token_hash not in ("", token)


def test_tokens_need_a_browser_session_and_its_proof(people: People) -> None:
    assert people.api("owner").post("/api/tokens").status_code in (401, 403)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people.users["owner"])
    assert strict.post("/api/tokens").status_code == 403
    token = people.browser("owner").post("/api/tokens").json()["data"]["token"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.get("/api/projects").status_code == 200
    assert people.browser("owner").delete("/api/tokens").json()["data"]["ended"] == 2
    assert client.get("/api/projects").status_code == 401


def test_code_that_is_too_large_is_refused_unread(owner_api: APIClient, project: Project) -> None:
    with patch("deployments.api.parsers.MAX_TAR_BYTES", 10):
        answer = owner_api.put(f"/api/projects/{project.id}/code/n", b"x" * 11, content_type="application/x-tar")
    assert (answer.status_code, "larger" in answer.json()["detail"]) == (413, True)


def test_pages_are_clamped_and_counted(owner_api: APIClient, project: Project, server: Server) -> None:
    for second in range(3):
        factories.make_deployment(project, server, at=factories.later(second))
    data = owner_api.get("/api/deployments?limit=2&page=2&statusFilter=1").json()["data"]
    assert data["pagination"] == {"page": 2, "limit": 2, "total": 3, "totalPages": 2, "next": ""}
    assert len(data["deployments"]) == 1
    assert owner_api.get("/api/deployments?limit=5000").json()["data"]["pagination"]["limit"] == 100
    assert owner_api.get("/api/deployments?statusFilter=9").status_code == 400


def test_a_list_by_kind_has_its_own_pages_and_totals(owner_api: APIClient, project: Project, server: Server) -> None:
    for second, kind in enumerate(["deploy", "stop", "deploy", "rollback", "stop", "deploy"]):
        factories.make_deployment(project, server, kind=kind, at=factories.later(second))
    data = owner_api.get("/api/deployments?kind=deploy&limit=2&page=2&statusFilter=1").json()["data"]
    assert data["pagination"] | {"next": ""} == {"page": 2, "limit": 2, "total": 3, "totalPages": 2, "next": ""}
    assert [deployment["kind"] for deployment in data["deployments"]] == ["deploy"]
    assert owner_api.get(f"/api/deployments?kind=scale&projectId={project.id}").json()["data"]["deployments"] == []
    assert owner_api.get("/api/deployments?kind=unknown").status_code == 400


@pytest.mark.parametrize("narrowed", [False, True])
def test_a_list_by_who_asked_has_its_own_pages_and_totals(
    owner_api: APIClient, project: Project, server: Server, people: People, *, narrowed: bool
) -> None:
    other = factories.make_project(people.users["owner"], name="Other")
    asked = [people.users["owner"], people.users["deployer"]]
    made = [
        factories.make_deployment(each, server, requested_by=asked[second % 2], at=factories.later(second))
        for each in (project, other)
        for second in range(6)
    ]
    hers = made[1:6:2] if narrowed else made[1::2]
    query = f"requestedById={asked[1].pk}&limit=2&page=2" + (f"&projectId={project.id}" if narrowed else "")

    data = owner_api.get(f"/api/deployments?{query}").json()["data"]

    assert (data["pagination"]["total"], data["pagination"]["totalPages"]) == (len(hers), -(-len(hers) // 2))
    # Newest first; of two projects at once those of one second stand in the order of their ids.
    newest = sorted(hers, key=lambda each: (each.created_at, each.id), reverse=True)
    assert [each["id"] for each in data["deployments"]] == [str(each.id) for each in newest[2:4]]
    assert {each["requestedBy"] for each in data["deployments"]} == {asked[1].username}


def test_a_list_by_who_asked_shows_nothing_that_is_not_the_callers_to_see(
    owner_api: APIClient, project: Project, server: Server, people: People
) -> None:
    factories.make_deployment(project, server)
    address = f"/api/deployments?requestedById={project.owner_id}"
    assert owner_api.get(address).json()["data"]["pagination"]["total"] == 1
    assert people.api("stranger").get(address).json()["data"]["pagination"]["total"] == 0
    nobody = owner_api.get(f"/api/deployments?requestedById={project.id}").json()["data"]
    assert (nobody["deployments"], nobody["pagination"]["total"]) == ([], 0)
    assert owner_api.get("/api/deployments?requestedById=owner").status_code == 400


def test_a_server_joins_a_cluster_of_its_owner_only(owner_api: APIClient, people: People) -> None:
    cluster = owner_api.post("/api/clusters", {"name": "swarm"}, format="json").json()["cluster"]
    joined = owner_api.post("/api/servers", {"name": "one", "clusterId": cluster["id"]}, format="json")
    assert joined.json()["server"]["clusterId"] == cluster["id"]
    assert owner_api.get("/api/clusters").json()["data"]["clusters"][0]["serversCount"] == 1
    foreign = people.api("stranger").post("/api/servers", {"name": "one", "clusterId": cluster["id"]}, format="json")
    assert foreign.status_code == 404
    assert owner_api.post("/api/clusters", {"name": "swarm"}, format="json").status_code == 409
