"""What an API token lets its holder do: no more and no longer than was chosen, and not past a new password."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from axion_deploy import gateway_bindings
from deployments.clients.auth import validate_session
from deployments.consumers.socket_identity import caller_from
from deployments.errors import Forbidden, Invalid, Unauthenticated
from deployments.kafka_api import handlers
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.identity import by_session
from deployments.kafka_api.incoming import IncomingRecord
from deployments.models import ApiToken, User
from deployments.repositories import tokens as rows
from deployments.scopes import Scope
from deployments.services.permissions import api_tokens
from deployments.services.permissions.access import caller_of
from tests.doors.kafka_table import PATTERNS
from tests.doors.people import People
from tests.doors.scene import Scene
from tests.doors.table import REST

pytestmark = pytest.mark.django_db


def token_of(user: User, scope: Scope = Scope.ALL, days: int = 90) -> str:
    return api_tokens.create_token(caller=caller_of(user), name=f"for {scope}", scope=scope, days=days)[1]


def rest(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


DEPLOYS = (
    {"deployments", "deployments/<uuid:deployment_id>/cancel", "deployments/<uuid:deployment_id>/rollback"}
    | {
        f"projects/<uuid:project_id>/{wish}"
        for wish in ("plan", "stop", "scale", "restart", "repair", "repair/plan", "repair/leave", "reach")
    }
    | {f"incidents/<uuid:incident_id>/{verb}" for verb in ("acknowledge", "mute")}
    | {
        "servers/<uuid:server_id>/projects/<uuid:project_id>/stop",
        "projects/<uuid:project_id>/job-runs/<uuid:run_id>/stop",
    }
)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_is_kept_at_every_operation(scene: Scene, people: People, scope: Scope) -> None:
    """The table of doors says which operations there are; a refusal by scope changes nothing, so all are tried."""
    client, told = rest(token_of(people.users["owner"], scope)), {}
    for door in REST:
        if door.route.startswith("tokens") or not door.route:
            continue
        needed = Scope.READ if door.method == "get" else Scope.DEPLOY if door.route in DEPLOYS else Scope.ALL
        if scope.allows(needed) and door.method != "get":
            continue
        answer = getattr(client, door.method)(scene.fill(door.path + door.query), scene.fill(door.body), format="json")
        refused = answer.status_code == 403 and "scope" in answer.json()["detail"]
        if refused is scope.allows(needed):
            told[f"{door.method} {door.route}"] = answer.status_code
    assert not told
    assert (
        scope is not Scope.DEPLOY or client.post(f"/api/projects/{uuid4()}/plan", {}, format="json").status_code != 403
    )


KNOCK = {"kafka_correlationId": b"c", "kafka_replyTopic": b"x.reply", "kafka_replyPartition": b"0"}


@pytest.mark.parametrize("scope", [Scope.READ, Scope.DEPLOY])
def test_a_scope_is_kept_over_kafka(scene: Scene, people: People, scope: Scope) -> None:
    dispatcher = Dispatcher(identify=by_session(validate_session), health=dict)
    token = token_of(people.users["owner"], scope)
    for pattern, (fields, answers) in PATTERNS.items():
        body = {**scene.fill(fields), "metadata": {"sessionToken": token}}
        incoming = IncomingRecord(
            topic=pattern,
            partition=0,
            offset=0,
            timestamp_ms=int(time.time() * 1000),
            key=None,
            value=json.dumps(body).encode(),
            headers=KNOCK,
        )
        acts = pattern in handlers.PATTERNS and handlers.PATTERNS[pattern].has_effect
        expected = "FORBIDDEN" if acts and scope is Scope.READ else answers[0]
        assert (dispatcher.answer(incoming).code or "SUCCESS") == expected, pattern


def test_scopes_hold_for_sockets_and_agents_gateway(people: People) -> None:
    token = token_of(people.users["owner"], Scope.READ)
    scope = {"headers": [(b"authorization", f"Token {token}".encode())]}
    assert caller_from(scope).user_id == people.users["owner"].id
    assert gateway_bindings.user_of(token=token) == people.users["owner"].id
    with pytest.raises(Forbidden, match="scope read"):
        gateway_bindings.user_of(token=token, acts=True)
    assert gateway_bindings.user_of(token=token_of(people.users["owner"], Scope.DEPLOY), acts=True)


@pytest.mark.parametrize("how", ["password", "by root", "unusable", "disabled"])
def test_tokens_end_with_the_password_and_the_account(people: People, how: str) -> None:
    user = get_user_model().objects.get(username="owner")
    token = token_of(user)
    assert rest(token).get("/api/projects").status_code == 200
    if how == "by root":
        new = {"password1": "tall-oak-43-river", "password2": "tall-oak-43-river", "usable_password": "true"}
        answer = people.browser("root").post(f"/admin/deployments/user/{user.pk}/password/", new)
        assert answer.status_code == 302
    elif how == "disabled":
        user.is_active = False
        user.save()
        User.objects.filter(pk=user.pk).update(is_active=True)
    else:
        user.set_password("tall-oak-43-river" if how == "password" else None)
        user.save()
    assert rest(token).get("/api/projects").status_code == 401
    assert not AuthToken.objects.filter(user=user).exists()


def test_the_token_of_a_disabled_account_opens_nothing(people: People) -> None:
    """Also where nothing saw the account being disabled."""
    token = token_of(people.users["owner"])
    User.objects.filter(pk=people.users["owner"].pk).update(is_active=False)
    assert AuthToken.objects.filter(user=people.users["owner"]).exists()
    assert rest(token).get("/api/projects").status_code == 401
    with pytest.raises(Unauthenticated):
        api_tokens.authenticate(token=token)


def test_signing_in_and_changing_a_name_end_no_token(people: People, settings: Settings) -> None:
    user = get_user_model().objects.get(username="owner")
    token = token_of(user)
    # The password's hash is renewed at sign-in under a stronger hasher, and nothing else changes.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    sent = {"username": "owner", "password": "correct horse"}
    assert Client().post("/admin/login/?next=/admin/", sent).status_code == 302
    user.refresh_from_db()
    assert user.password.startswith("pbkdf2")
    user.first_name = "O"
    user.save()
    assert rest(token).get("/api/projects").status_code == 200


def test_a_token_ends_by_itself(people: People) -> None:
    user = people.users["owner"]
    token = token_of(user, days=30)
    made = AuthToken.objects.get(terms__name="for all")
    assert abs(made.expiry - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    AuthToken.objects.filter(pk=made.pk).update(expiry=timezone.now())
    assert rest(token).get("/api/projects").status_code == 401
    with pytest.raises(Unauthenticated):
        validate_session(token)
    assert made.terms.pk not in [each.id for each in api_tokens.list_tokens(caller=caller_of(user))]


def test_what_an_older_version_made_ends_too(people: People) -> None:
    stored, text = AuthToken.objects.create(user=people.users["owner"], expiry=None)
    assert rest(text).get("/api/projects").status_code == 200
    stored.refresh_from_db()
    assert stored.expiry == stored.created + rows.LIFETIME
    assert ApiToken.objects.get(token=stored).scope == "all"
    AuthToken.objects.filter(pk=stored.pk).update(expiry=None, created=timezone.now() - rows.LIFETIME)
    assert rest(text).get("/api/projects").status_code == 401


def test_tokens_are_listed_and_ended_one_by_one_each_by_its_owner(people: People) -> None:
    browser = people.browser("owner")
    browser.delete("/api/tokens")
    wish = {"name": "of the robot", "scope": "read", "expiresInDays": 7}
    made = [browser.post("/api/tokens", wish, content_type="application/json").json()["data"] for _ in range(2)]
    assert rest(made[0]["token"]).get("/api/projects").status_code == 200
    listed = browser.get("/api/tokens").json()["data"]["tokens"]
    assert [each["name"] for each in listed] == ["of the robot"] * 2
    used = {each["id"]: each["lastUsedAt"] > 0 for each in listed}
    assert used == {made[0]["id"]: True, made[1]["id"]: False}
    assert "token" not in listed[0]
    assert people.browser("stranger").delete(f"/api/tokens/{made[0]['id']}").status_code == 404
    assert people.browser("root").delete(f"/api/tokens/{made[0]['id']}").status_code == 404
    assert browser.delete(f"/api/tokens/{made[0]['id']}").status_code == 204
    assert rest(made[0]["token"]).get("/api/projects").status_code == 401
    assert rest(made[1]["token"]).get("/api/projects").status_code == 200


@pytest.mark.parametrize("wish", [{"scope": "root"}, {"expiresInDays": 0}, {"expiresInDays": 366}, {"name": "x" * 101}])
def test_a_token_without_bounds_cannot_be_had(people: People, wish: dict[str, Any]) -> None:
    answer = people.browser("owner").post("/api/tokens", wish, content_type="application/json")
    assert (answer.status_code, list(answer.json()["details"])) == (400, list(wish))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"days": 0}, "expiresInDays"),
        ({"days": 366}, "expiresInDays"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x07"}, "name"),
    ],
)
def test_no_door_can_ask_for_a_token_without_bounds(people: People, wrong: dict[str, Any], field: str) -> None:
    asked: dict[str, Any] = {"name": "robot", "scope": Scope.ALL, "days": 1, **wrong}
    with pytest.raises(Invalid) as refused:
        api_tokens.create_token(caller=caller_of(people.users["owner"]), **asked)
    assert list(refused.value.details) == [field]


def test_the_page_makes_shows_and_ends(people: People) -> None:
    browser, base = people.browser("owner"), "/admin/deployments/apitoken/"
    shown = browser.post(f"{base}add/", {"name": "robot", "scope": "deploy", "days": "5"})
    text = shown.context["text"]
    assert "no-store" in shown["Cache-Control"]
    row = ApiToken.objects.get(name="robot")
    assert rest(text).get("/api/projects").status_code == 200
    assert text not in browser.get(base).content.decode()
    assert people.browser("root").post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert rest(text).get("/api/projects").status_code == 200, "another's token is not there, for nobody"
    browser.post(f"{base}{row.pk}/delete/", {"post": "yes"})
    assert rest(text).get("/api/projects").status_code == 401
    wrong = {"name": "\u200b", "scope": "root", "days": "5000"}
    assert set(browser.post(f"{base}add/", wrong).context["form"].errors) == {"scope", "days"}
    wrong |= {"scope": "all", "days": "5"}
    assert set(browser.post(f"{base}add/", wrong).context["form"].errors) == {"name"}


@pytest.mark.parametrize("text", ["", "\x00", "ü", "\udcff", "x" * 100_000, "a b"])
def test_what_is_no_token_is_refused(people: People, text: str) -> None:
    with pytest.raises(Unauthenticated):
        api_tokens.authenticate(token=text)
    with pytest.raises(Unauthenticated):
        validate_session(text)


def test_a_header_of_any_bytes_is_an_answer(people: People) -> None:
    for value in (
        b"Token \xff\xfe",
        b"Token \xc3\xbc",
        b"Token a b",
        b"Token",
        b"Bearer \xff",
        b"Bearer a b",
        b"Bearer",
    ):
        assert APIClient().get("/api/projects", HTTP_AUTHORIZATION=value.decode("latin1")).status_code == 401
