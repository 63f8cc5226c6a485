"""How an application begins: from an image, an example, a graph; and its graph as text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from agents.models import Agent, Server
from deployments.models import GraphVersion, Project
from deployments.services.projects import new_project
from tests import factories
from tests.doors.people import People

pytestmark = pytest.mark.django_db
NEW = "/admin/deployments/project/new/"
IMAGE = {
    "from": "image",
    "name": "Shop",
    "image": "caddy:2",
    "port": "80",
    "hostPort": "8080",
    "database": "postgresql",
}


def graph_of(project: Project) -> dict[str, Any]:
    stored: dict[str, Any] = project.graph_versions.latest("version").graph
    return stored


def test_an_image_with_a_database_is_a_project_that_can_be_deployed(people: People) -> None:
    answer = people.browser("owner").post(NEW, IMAGE)
    project = Project.objects.get(name="Shop")
    assert answer.headers["Location"] == f"/admin/deployments/project/{project.id}/change/"
    graph = graph_of(project)
    assert [node["data"]["config"].get("image") for node in graph["nodes"]] == ["caddy:2", None]
    assert [(edge["source"], edge["target"]) for edge in graph["edges"]] == [("web", "db")]


@pytest.mark.parametrize(
    ("field", "value"), [("port", "0"), ("hostPort", "70000"), ("image", " "), ("database", "oracle"), ("name", "")]
)
def test_what_is_wrong_is_said_and_nothing_is_stored(people: People, field: str, value: str) -> None:
    answer = people.browser("owner").post(NEW, {**IMAGE, field: value})
    assert (answer.status_code, b'role="alert"' in answer.content) == (200, True)
    assert (Project.objects.count(), GraphVersion.objects.count()) == (0, 0)


def test_a_graph_with_a_problem_leaves_no_empty_project(people: People) -> None:
    file = SimpleUploadedFile(
        "graph.json", json.dumps({"nodes": [{"id": "a", "type": "nonsense"}], "edges": []}).encode()
    )
    answer = people.browser("owner").post(NEW, {"from": "graph", "name": "Shop", "graph": file})
    assert b'role="alert"' in answer.content
    assert not Project.objects.exists()


@pytest.mark.parametrize("key", [each.key for each in new_project.examples()])
def test_each_example_is_one_click_and_never_changes_what_is_there(people: People, key: str) -> None:
    browser = people.browser("owner")
    for _ in range(2):
        assert browser.post(NEW, {"from": "example", "example": key}).status_code == 302
    names = sorted(Project.objects.values_list("name", flat=True))
    assert names[1] == f"{names[0]} 2"
    for project in Project.objects.all():
        page = f"/admin/deployments/project/{project.id}/graph/edit/"
        checked = browser.post(page, {"text": json.dumps(graph_of(project)), "do": "check"})
        assert b"No problems: this can be deployed." in checked.content


def test_the_graph_is_edited_as_text_and_keeps_its_secrets(people: People, project: Project) -> None:
    browser, page = people.browser("owner"), f"/admin/deployments/project/{project.id}/graph/"
    config = {"databaseType": "postgresql", "password": "canary-of-a-graph"}
    graph = {"nodes": [{"id": "db", "type": 2, "data": {"serviceName": "db", "config": config}}], "edges": []}
    before = project.graph_versions.count()
    assert browser.post(f"{page}edit/", {"text": json.dumps(graph), "do": "check"}).status_code == 200
    assert project.graph_versions.count() == before
    assert browser.post(f"{page}edit/", {"text": json.dumps(graph), "do": "save"}).status_code == 302
    shown = browser.get(f"{page}file/")
    assert json.loads(shown.content)["nodes"][0]["data"]["config"] == {**config, "password": ""}
    assert b"canary-of-a-graph" not in browser.get(f"{page}edit/").content
    for wrong in ("{", '{"nodes": 1}', '{"nodes": [], "edges": [{"id": "e", "source": "x", "target": "y"}]}'):
        answer = browser.post(f"{page}edit/", {"text": wrong, "do": "save"})
        assert b'role="alert"' in answer.content
    assert project.graph_versions.count() == before + 1
    answer = people.browser("viewer").post(f"{page}edit/", {"text": json.dumps(graph), "do": "save"})
    assert (project.graph_versions.count(), b'role="alert"' in answer.content) == (before + 1, True)


def test_a_new_server_leads_to_its_agent_which_is_waited_for(people: People) -> None:
    browser = people.browser("owner")
    answer = browser.post(
        "/admin/agents/server/add/", {"name": "alpha", "host": "alpha.example", "port": 22, "username": "root"}
    )
    server = Server.objects.get(name="alpha")
    page = f"/admin/agents/server/{server.id}/"
    assert answer.headers["Location"] == f"{page}new-enrolment-token/"
    made = browser.post(f"{page}new-enrolment-token/").content.decode()
    assert re.search(
        r"curl -fsSL http://testserver/agents/install.sh \| sh -s -- (&#x27;)?axe_[\w.:-]+(&#x27;)?</pre>", made
    )
    assert "docker run -d --name axion-agent" in made
    assert str(server.id) in made
    assert browser.get(f"{page}presence/").json() == {"presence": "pending", "enrolledAt": 0}
    agent = factories.make_agent(server)
    told = browser.get(f"{page}presence/").json()
    enrolled_at = Agent.objects.get(pk=agent.pk).enrolled_at.timestamp()
    assert (told["presence"], round(told["enrolledAt"] / 1000)) == ("online", round(enrolled_at))
