"""Who gets what at each REST endpoint, as a table: the answer's status per person."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from agents.models import Server
from deployments.models import Deployment, Project
from tests.doors.people import People

PEOPLE = ("owner", "deployer", "viewer", "stranger", "nobody")
SEES = (200, 200, 200, 404, 401)
# The graph of the project is empty, which whoever may deploy is told.
DEPLOYS = (400, 400, 403, 404, 401)
CANCELS = (202, 202, 403, 404, 401)
CHANGES = (400, 403, 403, 404, 401)
OWN_SERVER = (201, 404, 404, 404, 401)
ANYONE = (200, 200, 200, 200, 401)
DRAWN_WRONG = {"nodes": [{"id": "n", "type": 99, "data": {}}], "edges": []}

TABLE: list[tuple[str, str, object, tuple[int, ...]]] = [
    ("get", "deployments/{deployment}", None, SEES),
    ("get", "deployments/{deployment}/status", None, SEES),
    ("get", "deployments/{deployment}/events", None, SEES),
    ("post", "deployments/{deployment}/cancel", {}, CANCELS),
    ("get", "deployments?projectId={project}", None, SEES),
    ("get", "deployments", None, ANYONE),
    ("get", "projects", None, ANYONE),
    ("get", "projects/{project}", None, SEES),
    ("put", "projects/{project}/graph", DRAWN_WRONG, CHANGES),
    ("put", "projects/{project}/code/n-web", b"no tar", CHANGES),
    ("get", "servers", None, ANYONE),
    ("get", "clusters", None, ANYONE),
    ("post", "clusters", {"name": "mine"}, (201, 201, 201, 201, 401)),
    ("post", "servers/{server}/enrolment-tokens", {}, OWN_SERVER),
]
CASES = [
    pytest.param(method, path, body, who, status, id=f"{method} {path} {who}")
    for method, path, body, statuses in TABLE
    for who, status in zip(PEOPLE, statuses, strict=True)
]


def ask(people: People, who: str, method: str, address: str, body: object) -> Any:
    kind = {"content_type": "application/x-tar"} if isinstance(body, bytes) else {"format": "json"}
    return getattr(people.api(who), method)(f"/api/{address}", body, **kind)


@pytest.mark.parametrize(("method", "path", "body", "who", "status"), CASES)
def test_ladder(
    people: People,
    project: Project,
    server: Server,
    deployment: Deployment,
    method: str,
    path: str,
    body: object,
    who: str,
    status: int,
) -> None:
    address = path.format(deployment=deployment.id, project=project.id, server=server.id)
    answer = ask(people, who, method, address, body)
    assert answer.status_code == status, answer.content


@pytest.mark.parametrize(("who", "status"), list(zip(PEOPLE, DEPLOYS, strict=True)))
def test_ladder_of_deploying(people: People, project: Project, server: Server, who: str, status: int) -> None:
    body = {"projectId": str(project.id), "serverId": str(server.id), "envVars": {"not a name": "x"}}
    assert ask(people, who, "post", "deployments", body).status_code == status
    assert not Deployment.objects.exists()


@pytest.mark.parametrize(
    "path", ["deployments/{id}", "deployments/{id}/status", "projects/{id}", "deployments?projectId={id}"]
)
def test_what_is_a_strangers_looks_as_if_it_were_not_there(
    people: People, project: Project, deployment: Deployment, path: str
) -> None:
    theirs = project.id if "roject" in path else deployment.id
    hidden = people.api("stranger").get(f"/api/{path.format(id=theirs)}")
    missing = people.api("stranger").get(f"/api/{path.format(id=uuid4())}")
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert str(theirs) not in hidden.content.decode()


def test_lists_hold_only_what_one_may_see(people: People, deployment: Deployment) -> None:
    for who, count in {"owner": 1, "viewer": 1, "stranger": 0, "root": 1}.items():
        data = people.api(who).get("/api/deployments").json()["data"]
        assert (len(data["deployments"]), data["pagination"]["total"]) == (count, count)
