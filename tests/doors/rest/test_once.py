"""A key stands for one request: repeated it changes nothing, and it is never taken for another."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from agents.models import EnrolmentToken, Server
from deployments.models import Deployment, Project, RequestKey, User
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.requests import idempotency
from deployments.services.upkeep import housekeeping
from tests.doors.people import People
from tests.doors.rest.test_rest import GRAPH


def post(api: APIClient | Client, path: str, body: Any, key: str = "k-1") -> Any:
    headers = {"Idempotency-Key": key}
    return api.post(f"/api/{path}", json.dumps(body), content_type="application/json", headers=headers)


def test_a_repeat_gets_the_first_answer(owner_api: APIClient) -> None:
    first, second = (post(owner_api, "projects", {"name": "Shop"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Location"] == first["Location"]
    assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
    assert Project.objects.count() == 1


def test_another_request_under_the_key_is_refused(owner_api: APIClient) -> None:
    post(owner_api, "projects", {"name": "Shop"})
    for path, body in (("projects", {"name": "Other"}), ("clusters", {"name": "Shop"})):
        answer = post(owner_api, path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
        assert "another request" in answer.json()["details"]["Idempotency-Key"]
    assert Project.objects.count() == 1


def test_a_refused_request_leaves_its_key_free(owner_api: APIClient, project: Project, server: Server) -> None:
    assert post(owner_api, "projects", {"name": ""}).status_code == 400
    assert post(owner_api, "projects", {"name": "Shop"}).status_code == 201
    owner_api.put(f"/api/projects/{project.id}/graph", GRAPH, format="json")
    wish = {"projectId": str(project.id), "serverId": str(server.id)}
    refused = post(owner_api, "deployments", {**wish, "envVars": {"not a name": "x"}}, key="k-2")
    assert refused.status_code == 400
    assert post(owner_api, "deployments", wish, key="k-2").status_code == 201


def test_a_deployment_is_not_taken_for_another(owner_api: APIClient, project: Project, server: Server) -> None:
    owner_api.put(f"/api/projects/{project.id}/graph", GRAPH, format="json")
    wish = {"projectId": str(project.id), "serverId": str(server.id), "envVars": {"A": "s3cret-value"}}
    assert post(owner_api, "deployments", wish).status_code == 201
    assert post(owner_api, "deployments", {**wish, "envVars": {"A": "another"}}).status_code == 409
    assert Deployment.objects.count() == 1
    assert "s3cret" not in str(list(RequestKey.objects.values()))


def test_a_cancel_is_repeated_even_after_it_ended_the_deployment(owner_api: APIClient, deployment: Deployment) -> None:
    path = f"deployments/{deployment.id}/cancel"
    answers = [post(owner_api, path, {}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Idempotency-Replayed"] == "true"


def test_secrets_are_not_kept_for_a_repeat(owner_api: APIClient, people: People, server: Server) -> None:
    path = f"servers/{server.id}/enrolment-tokens"
    first, second = (post(owner_api, path, {}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 409)
    assert "used before" in second.json()["details"]["Idempotency-Key"]
    assert EnrolmentToken.objects.count() == 1
    token = post(people.browser("owner"), "tokens", {}, key="k-2").json()["data"]["token"]
    kept = str(list(RequestKey.objects.values()))
    assert first.json()["data"]["token"] not in kept
    assert token not in kept


def test_keys_are_each_users_own(owner_api: APIClient, people: People) -> None:
    assert post(owner_api, "projects", {"name": "Shop"}).status_code == 201
    theirs = post(people.api("stranger"), "projects", {"name": "Mine"})
    assert (theirs.status_code, theirs.json()["project"]["name"]) == (201, "Mine")


@pytest.mark.parametrize("key", ["x" * 201, "a\x7fb"])
def test_keys_are_bounded(owner_api: APIClient, key: str) -> None:
    answer = post(owner_api, "projects", {"name": "Shop"}, key=key)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["Idempotency-Key"])


def test_what_dies_before_the_answer_is_stored_has_done_nothing(owner_api: APIClient) -> None:
    with (
        patch("deployments.repositories.request_keys.keep_answer", side_effect=MemoryError),
        pytest.raises(MemoryError),
    ):
        idempotency.answer_once(
            caller=_caller(),
            key="k",
            fingerprint="f",
            act=_project_made,
            keep=True,
        )
    assert (Project.objects.count(), RequestKey.objects.count()) == (0, 0)


def _caller() -> Any:
    return caller_of(User.objects.get(username="owner"))


def _project_made() -> idempotency.Answer:
    sources.create_project(caller=_caller(), project_id=uuid4(), name="Shop")
    return idempotency.Answer(status=201, body={})


def test_old_keys_are_forgotten(owner_api: APIClient) -> None:
    post(owner_api, "projects", {"name": "Shop"})
    RequestKey.objects.update(created_at=timezone.now() - timedelta(hours=23))
    housekeeping.tidy(at=timezone.now() + timedelta(hours=23))
    assert RequestKey.objects.count() == 1
    RequestKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    housekeeping.tidy(at=timezone.now())
    assert RequestKey.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_the_same_request_at_once_has_one_effect(people: People) -> None:
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(post(people.api("owner"), "projects", {"name": "Shop"}))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert {answer.status_code for answer in answers} == {201}
    assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1
    assert Project.objects.count() == 1
