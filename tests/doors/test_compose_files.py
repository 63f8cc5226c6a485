"""Compose files through every door: what is stored, what stays of people's changes, what a secret never does."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from deployments.models import GraphVersion, Project, User
from deployments.repositories import bundles
from deployments.services.secrets import variables
from tests.doors.people import People

FILE = """
services:
  web:
    build: web
    environment:
      DATABASE_URL: postgres://app:s3cret-word@db:5432/app
      MODE: {mode}
    {more}
  db:
    image: postgres:16
    environment: {{POSTGRES_USER: app, POSTGRES_PASSWORD: {password}, POSTGRES_DB: app}}
    volumes: ["data:/var/lib/postgresql/data"]
volumes: {{data: }}
"""


def text(*, mode: str = "plain", more: str = "depends_on: [db]", password: str = "s3cret-word") -> str:
    return FILE.format(mode=mode, more=more, password=password)


def put(api: APIClient, project: Project, content: str, **more: Any) -> Any:
    body = {"files": [{"name": "compose.yml", "content": content}], **more}
    return api.put(f"/api/projects/{project.id}/compose", body, format="json")


def newest(project: Project) -> dict[str, Any]:
    return dict(GraphVersion.objects.filter(project=project).order_by("-version")[0].graph)


def config(project: Project, name: str) -> dict[str, str]:
    nodes = newest(project)["nodes"]
    found: dict[str, str] = next(node for node in nodes if node["id"] == name)["data"]["config"]
    return found


def change(api: APIClient, project: Project, name: str, **keys: str) -> None:
    """Store the newest graph with keys of a node changed, as people do."""
    graph = newest(project)
    for node in graph["nodes"]:
        if node["id"] == name:
            node["data"]["config"].update({key.replace("__", "."): value for key, value in keys.items()})
    assert api.put(f"/api/projects/{project.id}/graph", graph, format="json").status_code == 200


def test_a_file_becomes_the_graph_and_its_passwords_are_sealed(owner_api: APIClient, project: Project) -> None:
    answer = put(owner_api, project, text())
    assert answer.status_code == 200, answer.content
    data = answer.json()["data"]
    assert data["graphVersion"] == GraphVersion.objects.filter(project=project).count()
    assert data["code"] == {"web": "web"}
    assert "s3cret-word" not in answer.content.decode()
    assert "s3cret-word" not in json.dumps(newest(project))
    assert (config(project, "db")["databaseType"], config(project, "db")["password"]) == ("postgresql", "")
    assert variables.project_secrets(project_id=project.id)["db.password"] == "s3cret-word"
    assert ("web", "db") in {(edge["source"], edge["target"]) for edge in newest(project)["edges"]}
    lines = {(line["path"], line["outcome"]) for line in data["lines"]}
    assert ("services.web.environment.MODE", "became") in lines


def test_a_look_stores_nothing(owner_api: APIClient, project: Project) -> None:
    before = GraphVersion.objects.count()
    answer = put(owner_api, project, text(), preview=True)
    assert answer.json()["data"]["graphVersion"] is None
    assert GraphVersion.objects.count() == before
    assert "db.password" not in variables.project_secrets(project_id=project.id)


def test_importing_again_changes_what_the_file_changed_and_leaves_what_people_did(
    owner_api: APIClient, project: Project
) -> None:
    put(owner_api, project, text())
    change(owner_api, project, "web", replicas="3", env__MODE="mine")
    change(owner_api, project, "db", memory="512M")
    answer = put(owner_api, project, text(mode="other", more="stop_grace_period: 30s"))
    web = config(project, "web")
    assert (web["replicas"], web["env.MODE"], web["stopGraceSeconds"]) == ("3", "mine", "30")
    assert config(project, "db")["memory"] == "512M"
    told = [line["text"] for line in answer.json()["data"]["lines"] if line["node"] == "web"]
    assert any("env.MODE was changed since" in line for line in told)


def test_importing_the_same_again_stores_no_new_version(owner_api: APIClient, project: Project) -> None:
    first = put(owner_api, project, text()).json()["data"]["graphVersion"]
    assert put(owner_api, project, text()).json()["data"]["graphVersion"] == first


def test_nodes_that_left_the_file_go_unless_people_changed_them(owner_api: APIClient, project: Project) -> None:
    both = "services:\n  one: {image: nginx}\n  two: {image: nginx}\n  three: {image: nginx}\n"
    put(owner_api, project, both)
    change(owner_api, project, "two", memory="64M")
    put(owner_api, project, "services:\n  three: {image: nginx}\n")
    names = {node["id"] for node in newest(project)["nodes"]}
    assert "one" not in names
    assert {"two", "three"} <= names


def test_passwords_follow_the_file_until_people_give_their_own(owner_api: APIClient, project: Project) -> None:
    def stored() -> str:
        return variables.project_secrets(project_id=project.id)["db.password"]

    put(owner_api, project, text(password="first-word"))
    put(owner_api, project, text(password="second-word"))
    assert stored() == "second-word"
    change(owner_api, project, "db", password="their-own")
    answer = put(owner_api, project, text(password="third-word"))
    assert stored() == "their-own"
    assert "db.password has a value that was not given by the file" in answer.content.decode()
    put(owner_api, project, text(password="third-word"))
    assert stored() == "their-own"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([{"name": "compose.yml", "content": "services: ["}], "compose.yml:2"),
        ([{"name": "notes.txt", "content": "x"}], "no compose.yml"),
        ([{"name": "../compose.yml", "content": "x"}], "leads out"),
        ([{"name": "compose.yml", "content": "services: {web: {image: '${TAG:?which}'}}"}], "TAG must be set"),
        ([], "files"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    owner_api: APIClient, project: Project, files: list[dict[str, str]], told: str
) -> None:
    before = GraphVersion.objects.count()
    answer = owner_api.put(f"/api/projects/{project.id}/compose", {"files": files}, format="json")
    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert GraphVersion.objects.count() == before


def test_the_page_takes_a_zip_and_shows_what_became_of_it(people: People, project: Project) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app/compose.yml", text(more="env_file: web.env"))
        archive.writestr("app/web.env", "FROM_FILE=yes\n")
    browser, address = people.browser("owner"), f"/admin/deployments/project/{project.id}/compose/"
    upload = SimpleUploadedFile("app.zip", packed.getvalue())
    shown = browser.post(address, {"files": [upload], "do": "store"}).content.decode()
    assert "What became what" in shown
    assert "s3cret-word" not in shown
    assert config(project, "web")["env.FROM_FILE"] == "yes"


def test_the_page_names_what_is_wrong(people: People, project: Project) -> None:
    address = f"/admin/deployments/project/{project.id}/compose/"
    for posted, told in (({}, "Choose a file"), ({"text": "services: {web: {}}"}, "neither image nor build")):
        assert told in people.browser("owner").post(address, {**posted, "do": "store"}).content.decode()
    broken = {"files": [SimpleUploadedFile("a.zip", b"no zip")], "do": "store"}
    assert "no zip" in people.browser("owner").post(address, broken).content.decode()


@pytest.mark.parametrize("who", ["viewer", "deployer"])
def test_who_may_not_change_stores_nothing(people: People, project: Project, who: str) -> None:
    before = GraphVersion.objects.count()
    address = f"/admin/deployments/project/{project.id}/compose/"
    people.browser(who).post(address, {"text": text(), "do": "store"})
    assert GraphVersion.objects.count() == before


def test_the_command_takes_code_along(owner: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "compose.yml").write_text(text())
    (tmp_path / "web").mkdir()
    (tmp_path / "web/main.py").write_text("print('hello')\n")
    asked = ("import_compose", str(tmp_path / "compose.yml"), "--owner", owner.username, "--name", "shop")
    call_command(*asked, "--dry-run")
    assert not Project.objects.filter(name="shop").exists()
    call_command(*asked)
    project = Project.objects.get(name="shop")
    assert set(bundles.assigned(project_id=project.id)) == {"web"}
    assert "services.web.build - the code of this node" in capsys.readouterr().out
    (tmp_path / "compose.yml").write_text("services: [")
    with pytest.raises(CommandError, match=r"compose\.yml:2"):
        call_command(*asked)
