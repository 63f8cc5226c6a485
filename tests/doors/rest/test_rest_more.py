"""REST beside deployments: settings, members, versions of the graph, code, machines, places in lists."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from agents.models import Agent, Server
from deployments.models import Deployment, Project, ProjectMember
from tests import factories
from tests.doors.people import People
from tests.doors.rest.test_rest import GRAPH


def test_settings_change_one_by_one(owner_api: APIClient, project: Project) -> None:
    path = f"/api/projects/{project.id}"
    changed = owner_api.patch(path, {"healthWindow": 9, "name": " Renamed "}, format="json").json()["project"]
    assert (changed["name"], changed["healthWindow"], changed["retention"]) == ("Renamed", 9, 10)
    assert owner_api.patch(path, {"concurrency": "never"}, format="json").status_code == 400
    factories.make_project(project.owner, name="Taken")
    assert owner_api.patch(path, {"name": "Taken", "healthWindow": 1}, format="json").status_code == 409
    assert owner_api.get(path).json()["project"]["healthWindow"] == 9


def test_a_project_goes_only_while_it_was_never_deployed(
    owner_api: APIClient, project: Project, deployment: Deployment
) -> None:
    assert owner_api.delete(f"/api/projects/{project.id}").status_code == 409
    other = factories.make_project(project.owner, name="Other")
    assert owner_api.delete(f"/api/projects/{other.id}").status_code == 204
    assert list(Project.objects.all()) == [project]


def test_projects_are_found_by_name_and_paged(owner_api: APIClient, project: Project) -> None:
    for name in ("Alpha", "alphabet", "Beta"):
        factories.make_project(project.owner, name=name)
    data = owner_api.get("/api/projects?name=ALPHA&limit=1&page=2").json()["data"]
    assert [each["name"] for each in data["projects"]] == ["alphabet"]
    assert data["pagination"] == {"page": 2, "limit": 1, "total": 2, "totalPages": 2}


def test_members_come_change_and_go(owner_api: APIClient, people: People, project: Project) -> None:
    path = f"/api/projects/{project.id}/members"
    assert people.api("stranger").get(f"/api/projects/{project.id}").status_code == 404
    invited = owner_api.put(f"{path}/stranger", {"role": "viewer"}, format="json").json()["data"]["member"]
    assert invited == {"userId": None, "name": "stranger", "role": "viewer", "state": "invited"}
    assert people.api("stranger").get(f"/api/projects/{project.id}").status_code == 404
    [seen] = people.api("stranger").get("/api/invitations").json()["data"]["invitations"]
    assert (seen["projectName"], seen["role"], seen["invitedBy"]) == ("Voting", "viewer", "owner")
    assert people.api("stranger").post(f"/api/invitations/{seen['id']}/accept").status_code == 200
    assert people.api("stranger").get(f"/api/projects/{project.id}").status_code == 200
    owner_api.put(f"{path}/stranger", {"role": "deployer"}, format="json")
    found = {each["name"]: each["role"] for each in owner_api.get(path).json()["data"]["members"]}
    assert found == {"deployer": "deployer", "editor": "editor", "viewer": "viewer", "stranger": "deployer"}
    assert [owner_api.delete(f"{path}/stranger").status_code for _ in range(2)] == [204, 404]
    assert people.api("stranger").get(f"/api/projects/{project.id}").status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [("owner", {"role": "viewer"}, "user"), ("%01", {"role": "viewer"}, "user"), ("stranger", {"role": "x"}, "role")],
)
def test_who_cannot_be_a_member(
    owner_api: APIClient, project: Project, name: str, body: dict[str, str], field: str
) -> None:
    answer = owner_api.put(f"/api/projects/{project.id}/members/{name}", body, format="json")
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert not ProjectMember.objects.filter(user__username__in=("owner", "stranger")).exists()


def test_a_cluster_that_is_no_swarm_is_refused_by_name(owner_api: APIClient, project: Project) -> None:
    cluster = owner_api.post("/api/clusters", {"name": "c"}, format="json").json()["cluster"]["id"]
    for path, body in ((f"projects/{project.id}/plan", {}), ("deployments", {"projectId": str(project.id)})):
        answer = owner_api.post(f"/api/{path}", {"clusterId": cluster, **body}, format="json")
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["clusterId"])
        assert answer.json()["detail"].startswith("c is no Swarm yet.")


def test_versions_of_the_graph_stay(owner_api: APIClient, project: Project) -> None:
    path = f"/api/projects/{project.id}"
    owner_api.put(f"{path}/graph", GRAPH, format="json")
    data = owner_api.get(f"{path}/graphs").json()["data"]
    assert [each["graphVersion"] for each in data["graphs"]] == [2, 1]
    assert owner_api.get(f"{path}/graphs/1").json()["data"]["graph"]["graph"] == factories.ONE_NODE
    assert owner_api.get(f"{path}/graph").json()["data"]["graph"]["graphVersion"] == 2
    for missing in ("3", "99999999999999999999"):
        assert owner_api.get(f"{path}/graphs/{missing}").status_code == 404


def test_code_is_listed_and_taken_away(owner_api: APIClient, project: Project) -> None:
    path = f"/api/projects/{project.id}"
    owner_api.put(f"{path}/graph", GRAPH, format="json")
    put = owner_api.put(f"{path}/code/n1", factories.code_tar(), content_type="application/x-tar")
    stored = put.json()["data"]["digest"]
    [listed] = owner_api.get(f"{path}/code").json()["data"]["code"]
    assert (listed["nodeId"], listed["digest"]) == ("n1", stored)
    assert listed["size"] > 0
    assert [owner_api.delete(f"{path}/code/n1").status_code for _ in range(2)] == [204, 404]
    assert owner_api.get(f"{path}/code").json()["data"]["code"] == []


def test_a_server_changes_and_goes_when_nothing_needs_it(
    owner_api: APIClient, server: Server, agent: Agent, deployment: Deployment
) -> None:
    path = f"/api/servers/{server.id}"
    changed = owner_api.patch(path, {"host": "10.1.1.1"}, format="json").json()["server"]
    assert (changed["host"], changed["name"]) == ("10.1.1.1", "server-1")
    assert owner_api.delete(path).status_code == 409
    assert owner_api.delete(f"/api/agents/{agent.id}").status_code == 204
    assert "not finished" in owner_api.delete(path).json()["detail"]
    owner_api.post(f"/api/deployments/{deployment.id}/cancel")
    assert (owner_api.delete(path).status_code, owner_api.get(path).status_code) == (204, 404)


def test_a_server_joins_no_cluster_of_others(owner_api: APIClient, people: People, server: Server) -> None:
    theirs = people.api("stranger").post("/api/clusters", {"name": "c"}, format="json").json()["cluster"]["id"]
    assert owner_api.patch(f"/api/servers/{server.id}", {"clusterId": theirs}, format="json").status_code == 404
    assert (
        people.api("root").patch(f"/api/servers/{server.id}", {"clusterId": theirs}, format="json").status_code == 404
    )
    mine = owner_api.post("/api/clusters", {"name": "c"}, format="json").json()["cluster"]["id"]
    joined = owner_api.patch(f"/api/servers/{server.id}", {"clusterId": mine}, format="json").json()["server"]
    assert joined["clusterId"] == mine
    assert owner_api.delete(f"/api/clusters/{mine}").status_code == 204
    assert owner_api.get(f"/api/servers/{server.id}").json()["server"]["clusterId"] is None


def test_agents_are_seen_and_revoked_by_their_owner(owner_api: APIClient, people: People, agent: Agent) -> None:
    data = owner_api.get("/api/agents").json()["data"]
    assert ([each["id"] for each in data["agents"]], data["pagination"]["total"]) == ([str(agent.id)], 1)
    assert owner_api.get(f"/api/agents/{agent.id}").json()["agent"]["presence"] == "online"
    assert people.api("stranger").delete(f"/api/agents/{agent.id}").status_code == 404
    assert [owner_api.delete(f"/api/agents/{agent.id}").status_code for _ in range(2)] == [204, 404]


def test_lists_go_on_from_where_they_ended(owner_api: APIClient, project: Project, server: Server) -> None:
    made = [str(factories.make_deployment(project, server, at=factories.later(n)).pk) for n in range(5)]

    def follow(order: str) -> list[str]:
        found: list[str] = []
        place = ""
        while place or not found:
            after = f"&after={place}" if place else ""
            data: Any = owner_api.get(f"/api/deployments?limit=2&order={order}{after}").json()["data"]
            found += [each["id"] for each in data["deployments"]]
            place = data["pagination"]["next"]
            assert data["pagination"]["total"] == 5
        return found

    assert (follow("newest"), follow("oldest")) == (made[::-1], made)
    for nonsense in ("x", "1.2", f"{10**30}.{made[0]}"):
        answer = owner_api.get(f"/api/deployments?after={nonsense}")
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["after"])
