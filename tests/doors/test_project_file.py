"""A project as one file, and its stack as Compose files: out of every door, and in again as it was."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from deployments.models import GraphVersion, Project, User
from tests.doors.people import People

WEB = {"image": "nginx:1", "secret.KEY": "s3cret"}
NAMED_NO = {"databaseType": "postgresql", "env.T": "a: b\n# c"}


def node_of(node_id: str, kind: object, name: str, config: dict[str, str], **more: object) -> dict[str, object]:
    return {"id": node_id, "type": kind, "data": {"serviceName": name, "config": config}, **more}


GRAPH = {
    "nodes": [
        node_of("b", "SERVICE", "web", WEB, position={"y": 1.5, "x": -2}),
        node_of("a", 2, "no", NAMED_NO),
    ],
    "edges": [{"id": "e", "source": "b", "target": "a", "type": 2}],
}


def address(project: Project) -> str:
    return f"/api/projects/{project.id}/file"


def exported(api: APIClient, project: Project) -> str:
    return str(api.get(address(project)).json()["data"]["text"])


@pytest.fixture
def filled(project: Project, owner_api: APIClient) -> Project:
    assert owner_api.put(f"/api/projects/{project.id}/graph", GRAPH, format="json").status_code == 200
    return project


def test_a_file_brings_the_same_project_back(owner_api: APIClient, owner: User, filled: Project) -> None:
    owner_api.patch(f"/api/projects/{filled.id}", {"retention": 7, "concurrency": "supersede"}, format="json")
    text = exported(owner_api, filled)
    assert "s3cret" not in text
    before = GraphVersion.objects.filter(project=filled).order_by("-version")[0]
    answer = owner_api.put(address(filled), {"text": text}, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["data"]["graphVersion"] == before.version
    assert owner_api.post("/api/projects", {"name": "copy"}, format="json").status_code == 201
    copy = Project.objects.get(name="copy")
    assert owner_api.put(address(copy), {"text": text}, format="json").status_code == 200
    copy.refresh_from_db()
    assert (copy.retention, copy.concurrency) == (7, "supersede")
    assert GraphVersion.objects.filter(project=copy).order_by("-version")[0].graph == before.graph
    assert exported(owner_api, copy) == text.replace(f"name: {filled.name}", "name: copy")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("format: 2\ngraph: {}\n", "format"),
        ("format: 1\n", "graph"),
        ("format: 1\ngraph: []\n", "graph"),
        ("format: 1\ngraph: {nodes: [], edges: []}\nother: 1\n", "other"),
        ("format: 1\ngraph: {nodes: [], edges: []}\nsettings: {retention: many}\n", "a whole number"),
        ("format: 1\ngraph: {nodes: [], edges: []}\nsettings: {nonsense: 1}\n", "nonsense"),
        ("format: 1\ngraph: {nodes: [{id: x, type: 99}], edges: []}\n", "x.type"),
        ("a: [", "project.yaml:2"),
        ("a: 1\n---\nb: 1\n", "2 documents"),
        ('format: 1\ngraph: {nodes: [{id: "\\0"}]}\n', "zero byte"),
    ],
)
def test_what_is_no_such_file_is_refused_by_field(owner_api: APIClient, filled: Project, text: str, told: str) -> None:
    before = GraphVersion.objects.count()
    answer = owner_api.put(address(filled), {"text": text}, format="json")
    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert GraphVersion.objects.count() == before


def test_the_page_gives_and_takes_the_file(people: People, filled: Project, owner_api: APIClient) -> None:
    browser, page = people.browser("owner"), f"/admin/deployments/project/{filled.id}/file/"
    given = browser.get(page)
    assert given.headers["Content-Disposition"] == 'attachment; filename="project.yaml"'
    assert given.content.decode() == exported(owner_api, filled)
    changed = given.content.replace(b"nginx:1", b"nginx:2")
    told = browser.post(page, {"file": SimpleUploadedFile("project.yaml", changed)}, follow=True).content.decode()
    assert "Stored as version" in told
    assert "nginx:2" in exported(owner_api, filled)
    assert "Choose a file" in browser.post(page, {}, follow=True).content.decode()


def test_the_command_gives_and_takes_the_file(
    owner: User, filled: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("export_project", filled.name, "--owner", owner.username)
    text = capsys.readouterr().out
    file = tmp_path / "project.yaml"
    file.write_text(text)
    call_command("export_project", "another", "--owner", owner.username, "--read", str(file))
    capsys.readouterr()
    call_command("export_project", "another", "--owner", owner.username)
    assert capsys.readouterr().out == text.replace(f"name: {filled.name}", "name: another")
    with pytest.raises(CommandError, match="no project"):
        call_command("export_project", "nobody's", "--owner", owner.username)


def test_the_stack_runs_without_us(people: People, owner_api: APIClient, filled: Project, tmp_path: Path) -> None:
    files = owner_api.get(f"/api/projects/{filled.id}/compose").json()["data"]["files"]
    assert "s3cret" not in str(files)
    packed = people.browser("owner").get(f"/admin/deployments/project/{filled.id}/compose/files/").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == files
        archive.extractall(tmp_path)
    (tmp_path / ".env").write_text(files[".env.example"])
    command = ["docker", "compose", "config", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    first = owner_api.get(f"/api/projects/{filled.id}/compose?version=1")
    assert first.status_code in (200, 400)
    assert owner_api.get(f"/api/projects/{filled.id}/compose?version=99").status_code == 404
