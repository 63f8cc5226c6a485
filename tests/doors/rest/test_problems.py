"""Whatever goes wrong under /api/ is told as a problem document."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from rest_framework.test import APIClient

from deployments.models import Project
from tests.doors.people import People

DEEP = '{"name": ' + "[" * 100 + "]" * 100 + "}"
DEEPER = '{"name": ' + "[" * 100_000
LONG = '{"name": ' + "9" * 5000 + "}"
NOT_KEPT = ("a\\u0000b", "\\ud800")
UNFIT = [
    *("{", "[]", '{"\\udc00": 1}', '{"name": 1e999}', '{"name": NaN}', DEEP, DEEPER, LONG, b"\xff\xfe"),
    *(f'{{"name": "{text}"}}' for text in NOT_KEPT),
]


def problem(answer: Any) -> dict[str, Any]:
    assert answer["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    assert (told["error"]["code"], told["error"]["message"]) == (told["code"], told["detail"])
    return told


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/deployments/", "/api/deployments/7", "/api/a%00b"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_addresses_that_lead_nowhere(people: People, path: str, method: str) -> None:
    answers = [getattr(people.api(who), method)(path) for who in ("owner", "nobody")]
    assert [problem(answer)["code"] for answer in answers] == ["NOT_FOUND", "NOT_FOUND"]


def test_a_wrong_method_names_the_right_ones(owner_api: APIClient) -> None:
    answer = owner_api.put("/api/projects", {}, format="json")
    assert (problem(answer)["title"], answer.status_code) == ("Method Not Allowed", 405)
    assert {"GET", "POST"} <= {each.strip() for each in answer["Allow"].split(",")}


def test_nothing_is_nothing_for_browsers_too() -> None:
    assert problem(Client(enforce_csrf_checks=True).post("/api/nothing"))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_that_is_no_json(owner_api: APIClient, kind: str) -> None:
    answer = owner_api.post("/api/projects", "name=Shop", content_type=kind)
    assert (problem(answer)["code"], answer.status_code) == ("VALIDATION_ERROR", 415)


@pytest.mark.parametrize("body", UNFIT)
def test_json_that_cannot_be_kept(owner_api: APIClient, body: str | bytes) -> None:
    answer = owner_api.post("/api/projects", body, content_type="application/json")
    assert (problem(answer)["code"], answer.status_code) == ("VALIDATION_ERROR", 400)
    assert not Project.objects.exists()


def test_a_body_that_is_too_large(owner_api: APIClient) -> None:
    with patch("deployments.api.parsers.MAX_JSON_BYTES", 10):
        answer = owner_api.post("/api/projects", {"name": "x" * 20}, format="json")
    assert (problem(answer)["title"], answer.status_code) == ("Request Entity Too Large", 413)


def test_a_failure_before_any_view(people: People) -> None:
    assert problem(Client(HTTP_HOST="evil.example").get("/api/projects"))["code"] == "VALIDATION_ERROR"
    with patch("deployments.api.error_handlers.UnknownAddress.dispatch", side_effect=RuntimeError("secret address")):
        client = Client(raise_request_exception=False)
        answer = client.get("/api/nothing")
    assert problem(answer)["code"] == "INTERNAL_ERROR"
    assert b"secret address" not in answer.content
