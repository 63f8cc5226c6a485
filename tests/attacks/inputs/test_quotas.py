"""One user has, and does at once, no more than one user may. Run by mallory, who owns a project of hers."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from pytest_django.fixtures import Settings

from agents.models import Server
from deployments.consumers import socket as socket_module
from deployments.limits import redis_lock
from deployments.models import Deployment, Project, User
from deployments.services.permissions import quotas
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.projects.import_directory import import_directory
from deployments.services.requests import make_plan
from deployments.types import DeployRequest, Target, TargetKind
from tests import factories
from tests.doors.people import People
from tests.doors.sockets import Socket, close_connections


def graph_of(image: str) -> dict[str, Any]:
    node = {"id": "n", "type": 1, "data": {"serviceName": "web", "config": {"image": image}}}
    return {"nodes": [node], "edges": []}


GRAPH = graph_of("web:1")


def tar(size: int) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        entry = tarfile.TarInfo("main.py")
        entry.size = size
        archive.addfile(entry, io.BytesIO(b"#" * size))
    return content.getvalue()


@pytest.fixture
def mallory(people: People) -> User:
    return people.users["owner"]


def refused(answer: Any, what: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert what in problem["detail"]


@pytest.mark.parametrize("door", ["projects", "servers"])
def test_projects_and_servers_have_a_number(people: People, settings: Settings, door: str) -> None:
    settings.AXION_MAX_PROJECTS = settings.AXION_MAX_SERVERS = 2
    api = people.api("stranger")
    made = [api.post(f"/api/{door}", {"name": f"{number}"}, format="json") for number in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 429]
    refused(made[-1], "2")
    assert people.api("owner").post(f"/api/{door}", {"name": "mine"}, format="json").status_code == 201


def test_in_the_admin_too(people: People, settings: Settings) -> None:
    settings.AXION_MAX_PROJECTS = settings.AXION_MAX_SERVERS = 1
    browser = people.browser("stranger")
    new = {"name": "new", "host": "10.0.0.1", "port": "22", "username": ""}
    answers = [browser.post("/admin/agents/server/add/", {**new, "name": name}) for name in "ab"]
    assert [answer.status_code for answer in answers] == [302, 200]
    assert "You have reached the limit of 1 servers. Remove one first." in answers[1].content.decode()
    settings_of = {"concurrency": "queue", "health_deadline": 60, "health_window": 3, "retention": 10}
    settings_of |= {"repairs_per_hour": 3, "soak_minutes": 0}
    answers = [browser.post("/admin/deployments/project/add/", {"name": name, **settings_of}) for name in "ab"]
    assert [answer.status_code for answer in answers] == [302, 200]
    assert "Delete a project" in answers[1].content.decode()
    assert (Server.objects.count(), Project.objects.count()) == (1, 1)


def test_versions_of_graphs_have_a_number(people: People, project: Project, settings: Settings) -> None:
    settings.AXION_MAX_GRAPH_VERSIONS = 3
    path = f"/api/projects/{project.id}/graph"
    put = [people.api("owner").put(path, graph_of(f"web:{tag}"), format="json") for tag in range(3)]
    assert [answer.status_code for answer in put] == [200, 200, 429]
    refused(put[-1], "versions of graphs")
    file = SimpleUploadedFile("graph.json", json.dumps(graph_of("web:9")).encode())
    page = f"/admin/deployments/project/{project.id}/graph/"
    posted = people.browser("owner").post(page, {"graph": file}, follow=True)
    assert "versions of graphs" in posted.content.decode()
    assert project.graph_versions.count() == 3


def test_code_has_bytes(people: People, project: Project, settings: Settings) -> None:
    settings.AXION_MAX_CODE_BYTES = 30_000
    sources.store_checked_graph(project_id=project.id, graph=GRAPH)
    path = f"/api/projects/{project.id}/code/n"

    def put(size: int) -> Any:
        return people.api("owner").put(path, tar(size), content_type="application/x-tar")

    assert put(10_000).status_code == 200
    assert put(10_000).status_code == 200, "the same content takes no more room"
    refused(put(50_000), "MiB")
    refused(put(25_000), "MiB")


def test_heavy_work_has_a_rate(people: People, project: Project, settings: Settings) -> None:
    settings.AXION_RATE_HEAVY = "2/day"
    put = [people.api("owner").put(f"/api/projects/{project.id}/graph", GRAPH, format="json") for _ in range(3)]
    assert [answer.status_code for answer in put] == [200, 200, 429]
    refused(put[-1], "2/day")


def test_heavy_work_is_done_one_at_a_time(people: People, project: Project, server: Server) -> None:
    sources.store_checked_graph(project_id=project.id, graph=GRAPH)
    mine = redis_lock.acquire(what=quotas.HEAVY, who=str(people.users["owner"].id))
    assert mine is not None
    api, base = people.api("owner"), f"/api/projects/{project.id}"
    refused(api.put(f"{base}/graph", GRAPH, format="json"), "One at a time")
    refused(api.post(f"{base}/plan", {"serverId": str(server.id)}, format="json"), "One at a time")
    refused(api.put(f"{base}/code/n", tar(100), content_type="application/x-tar"), "One at a time")
    refused(api.get(f"/api/deployments/{uuid4()}/rollback/plan"), "One at a time")
    wish = {"target": f"server:{server.id}"}
    assert people.browser("owner").post(f"/admin/deployments/project/{project.id}/plan/", wish).status_code == 429
    redis_lock.release(what=quotas.HEAVY, who=str(people.users["owner"].id), token=mine)
    assert api.put(f"{base}/graph", GRAPH, format="json").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_six_plans_at_once_are_one(mallory: User, monkeypatch: pytest.MonkeyPatch) -> None:
    project, server = factories.make_project(mallory), factories.make_server(mallory)
    factories.make_agent(server)
    sources.store_checked_graph(project_id=project.id, graph=GRAPH)
    wish = DeployRequest(project_id=project.id, target=Target(kind=TargetKind.SERVER, id=server.id), env_vars={})
    begun, go_on, outcomes = threading.Barrier(6), threading.Event(), []
    real = make_plan._plan_deployment

    def slow(**asked: Any) -> Any:
        go_on.wait(timeout=10)
        return real(**asked)

    monkeypatch.setattr(make_plan, "_plan_deployment", slow)

    def plan() -> None:
        begun.wait(timeout=10)
        try:
            make_plan.plan_deployment(caller=caller_of(mallory), request=wish)
            outcomes.append("planned")
        except Exception as error:
            outcomes.append(type(error).__name__)
        finally:
            connection.close()
            if len(outcomes) == 5:
                go_on.set()

    threads = [threading.Thread(target=plan) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(outcomes) == ["TooMuch"] * 5 + ["planned"]


def test_an_import_waits_for_its_turn(mallory: User, tmp_path: Path) -> None:
    (tmp_path / "project.json").write_text(json.dumps({"name": "Imported"}))
    (tmp_path / "graph.json").write_text(json.dumps(GRAPH))
    who = str(mallory.id)
    mine = redis_lock.acquire(what=quotas.HEAVY, who=who)
    assert mine is not None
    threading.Timer(0.3, lambda: redis_lock.release(what=quotas.HEAVY, who=who, token=mine)).start()
    imported = import_directory(caller=caller_of(mallory), directory=tmp_path, new_project_id=uuid4())
    assert imported.graph.version == 1


def test_a_turn_whose_holder_lost_it_is_not_taken_from_the_next() -> None:
    who = uuid4().hex
    first = redis_lock.acquire(what="t", who=who)
    assert first is not None
    assert redis_lock.acquire(what="t", who=who) is None
    redis_lock.release(what="t", who=who, token="another's")
    assert redis_lock.acquire(what="t", who=who) is None
    redis_lock.release(what="t", who=who, token=first)
    assert redis_lock.acquire(what="t", who=who) is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["deployments", "projects"])
async def test_questions_on_a_socket_have_a_pace(people: People, deployment: Deployment, kind: str) -> None:
    row = deployment.id if kind == "deployments" else deployment.project_id
    socket = Socket(f"/ws/{kind}/{row}/", token=people.tokens["owner"])
    assert (await socket.open())[0]
    for _ in range(int(socket_module.MAX_QUESTIONS) + 10):
        await socket.say(json.dumps({"kind": "snapshot"}))
    assert await socket.closed_with() == socket_module.TOO_MANY
    await close_connections()
