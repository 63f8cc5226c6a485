"""What people see where no view of ours answers: a page that says what happened, what stays, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from axion_deploy.bodies import Refused, told
from deployments.admin import page_data
from deployments.limits.sign_in_tries import FREE_TRIES
from tests.doors.people import People

pytestmark = pytest.mark.django_db


def fail_with(error: Exception) -> Callable[..., None]:
    def fail(**_: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (OperationalError("server closed the connection"), 503, "The database is unavailable"),
        (RuntimeError("a fault of ours"), 500, "Server error"),
    ],
)
def test_a_failure_is_a_page_and_tells_nothing_of_its_inside(
    people: People, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, says: str
) -> None:
    monkeypatch.setattr(page_data, "dashboard", fail_with(error))
    browser = people.browser("owner")
    browser.raise_request_exception = False
    answer = browser.get("/admin/")
    assert answer.status_code == status
    text = answer.content.decode()
    assert says in text
    assert str(error) not in text
    assert 'href="/admin/"' in text
    assert ("Retry-After" in answer) is (status == 503)


def test_a_form_of_an_older_session_says_to_reload(people: People) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.users["owner"])
    answer = browser.post("/admin/language/", {"language": "en"})
    assert (answer.status_code, "This page was out of date" in answer.content.decode()) == (403, True)


def test_what_cannot_be_read_is_a_page(people: People) -> None:
    answer = people.browser("owner").get("/admin/", headers={"Host": "not,a,host"})
    assert (answer.status_code, "could not be read" in answer.content.decode()) == (400, True)


def test_who_may_not_see_a_page_can_sign_in_with_another_account(people: People) -> None:
    address = "/admin/deployments/project/11111111-2222-4333-8444-555555555555/change/?tab=1"
    browser = people.browser("stranger")
    said = browser.get(address).content.decode()
    assert "You are signed in as stranger." in said
    to = f"/admin/login/?next={quote(address, safe='')}"
    assert f'name="next" value="{to}"' in said
    answer = browser.post("/admin/logout/", {"next": to})
    assert (answer.status_code, answer["Location"]) == (302, to)
    assert "Sign in with another account" in people.browser("owner").get("/no-such-page").content.decode()
    nobody = people.browser("nobody").get("/no-such-page")
    assert (nobody.status_code, b"another account" in nobody.content) == (404, False)


def test_a_wrong_password_is_said_once_and_without_riddles(people: People) -> None:
    answer = people.browser("nobody").post("/admin/login/", {"username": "owner", "password": "guess"})
    said = answer.content.decode()
    assert said.count("errornote") == 1
    assert "Wrong user name or password, or this account may not sign in to these pages." in said


def test_too_many_failed_attempts_are_a_page(people: People, settings: Settings) -> None:
    settings.AXION_RATE_SIGN_IN = "1/day"
    wish = {"username": "owner", "password": "guess"}
    answers = [Client().post("/admin/login/", wish) for _ in range(FREE_TRIES + 2)]
    assert answers[-1].status_code == 429
    text = answers[-1].content.decode()
    assert "<h1>Too many failed attempts to sign in</h1>" in text
    assert f"Wait {answers[-1]['Retry-After']} s" in text


def test_a_refused_upload_is_a_page_in_the_browsers_language_and_a_problem_over_rest() -> None:
    refused = Refused(413, "VALIDATION_ERROR", "This is larger than 66 MiB.")
    kind, body = told(refused, path="/admin/deployments/project/x/code/", accepts="xx;q=1, ru;q=0.9, en;q=0.5")
    assert kind.startswith("text/html")
    assert '<html lang="ru">' in body.decode()
    assert "66 MiB" in body.decode()
    assert b"Go back: what you typed is still there." in told(refused, path="/admin/", accepts="")[1]
    assert told(refused, path="/api/servers", accepts="")[0] == "application/problem+json"
    assert told(refused, path="/healthz", accepts="") == ("text/plain; charset=utf-8", b"This is larger than 66 MiB.")
