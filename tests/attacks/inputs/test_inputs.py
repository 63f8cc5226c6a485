"""Whatever text or JSON somebody sends: an answer, and never a fault of ours. Run by staff at every page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from deployments.models import Project
from tests.doors.people import People
from tests.doors.scene import Scene
from tests.doors.table import REST

DEEP = b"[" * 100_000 + b"]" * 100_000
WHOLE = '{"nodes": [{"id": "n", "type": 1, "data": {"serviceName": %s, "config": {"image": "x"}}}], "edges": []}'
UNREADABLE = {
    "nested": DEEP,
    "nested inside": b'{"nodes": ' + DEEP + b', "edges": []}',
    "nested objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "NUL": (WHOLE % '"a\\u0000b"').encode(),
    "NUL in a key": b'{"nodes": [], "edges": [], "\\u0000": 1}',
    "half a pair": (WHOLE % '"\\ud800"').encode(),
    "NaN": (WHOLE % "NaN").encode(),
    "Infinity": (WHOLE % "-Infinity").encode(),
    "1e999": (WHOLE % "1e999").encode(),
    "many digits": (WHOLE % ("9" * 100_000)).encode(),
    "no text": b"\xff\xfe\x00",
    "nothing": b"",
    "a list": b"[]",
    "a number": b"1",
    "no graph": b"{}",
    "wrong kinds": b'{"nodes": 1, "edges": {"a": []}}',
    "nodes of texts": b'{"nodes": ["a", null], "edges": [1]}',
}
NAMED = [UNREADABLE[name] for name in ("NUL", "half a pair", "1e999")]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=list(UNREADABLE))
def test_a_graph_that_cannot_be_read_is_refused_at_each_door(people: People, project: Project, content: bytes) -> None:
    page = f"/admin/deployments/project/{project.id}"
    file = SimpleUploadedFile("graph.json", content, content_type="application/json")
    answer = people.browser("owner").post(f"{page}/graph/", {"graph": file}, follow=True)
    assert answer.status_code == 200
    assert [str(message) for message in answer.context["messages"]]
    api = people.api("owner")
    put = api.put(f"/api/projects/{project.id}/graph", content, content_type="application/json")
    assert put.status_code == 400
    if content in NAMED:
        shown = str(next(iter(answer.context["messages"]))), put.json()["detail"]
        assert all("nodes.0.data.serviceName holds" in text for text in shown)
    assert project.graph_versions.count() == 1


SURROGATE = "\ud800".encode("utf-8", "surrogatepass").decode("latin1")
HOSTILE = ("\x00", SURROGATE, "9" * 5000, "-1")
NAMES_TEXT = (
    "q p o page limit after order status project kind last credential target from one other "
    "service replicas to next name term statusFilter projectId targetId with all e "
    "owner__id__exact _popup _changelist_filters app_label model_name field_name "
)
NAMES = NAMES_TEXT.split()


def faults_at(client: Any, path: str) -> list[str]:
    """Where the answer is a fault of ours. A fault is an answer of 500 here, as it is for a browser."""
    client.raise_request_exception = False
    found = []
    for hostile in HOSTILE:
        answer = client.get(path, dict.fromkeys(NAMES, hostile))
        found += [f"{path} {hostile[:10]!r}: {answer.status_code}"] if answer.status_code == 500 else []
    return found


PAGES = ("deployments/deployment/", "deployments/project/", "agents/server/", "agents/commandrecord/", "autocomplete/")
OF_PROJECT = ("change/", "history/", "history/diff/", "stop/", "scale/", "state/")


def test_pages_bear_any_query(scene: Scene) -> None:
    browser = scene.people.browser("owner")
    paths = [*PAGES, *(f"deployments/project/{scene.rows['project']}/{each}" for each in OF_PROJECT)]
    paths += [f"deployments/deployment/{scene.rows['earlier']}/rollback/", "confirm/", "agents/enrolmenttoken/"]
    assert not [fault for path in paths for fault in faults_at(browser, f"/admin/{path}")]


def test_rest_bears_any_query(scene: Scene) -> None:
    api = scene.people.api("owner")
    doors = {scene.fill(door.path) for door in REST if door.method == "get" and "schema" not in door.path}
    assert not [fault for path in sorted(doors) for fault in faults_at(api, path)]


ODD: tuple[Any, ...] = ("\x00", "9" * 5000, 10**400, None, [], {"a": {"b": None}})
FIELDS_TEXT = (
    "name host clusterId serverId projectId envVars forceRedeploy approval metadata role "
    "replicas serviceName targetDeploymentId retention healthDeadline concurrency replace scope "
    "expiresInDays nodes edges "
)
FIELDS = FIELDS_TEXT.split()


def test_rest_bears_any_field(scene: Scene) -> None:
    api, faults = scene.people.api("owner"), []
    api.raise_request_exception = False
    for door in REST:
        if door.method not in {"post", "put", "patch"} or isinstance(door.body, bytes):
            continue
        for value in ODD:
            answer = getattr(api, door.method)(scene.fill(door.path), dict.fromkeys(FIELDS, value), format="json")
            if answer.status_code == 500:
                faults.append(f"{door.method} {door.route} {str(value)[:20]!r}")
    assert not faults


@pytest.mark.parametrize("key", ["\x00", "x" * 10_000, "\xfc"])
def test_any_key_of_a_request_is_an_answer(people: People, key: str) -> None:
    api = people.api("stranger")
    api.raise_request_exception = False
    body = json.dumps({"name": "once"})
    answer = api.post("/api/projects", body, content_type="application/json", HTTP_IDEMPOTENCY_KEY=key)
    assert answer.status_code in (201, 400)
