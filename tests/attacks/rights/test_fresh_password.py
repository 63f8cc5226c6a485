"""A browser that was left open: what matters most asks for the password again."""

from __future__ import annotations

import time

from django.test import Client
from django.urls import get_resolver

from axion_deploy.fresh_password import ROUTES
from deployments.models import User
from deployments.services.permissions import freshness
from tests.doors.people import People
from tests.doors.scene import Scene


def aged(browser: Client) -> Client:
    """The session as it is some time after the password was given; or as an older version left it."""
    session = browser.session
    session[freshness.KEY] = int(time.time()) - freshness.FRESH_SECONDS - 1
    session.save()
    return browser


def test_a_stolen_cookie_is_not_everything(scene: Scene, people: People) -> None:
    stolen = aged(people.browser("owner"))
    server, agent = scene.rows["server"], scene.rows["agent"]
    assert stolen.post("/api/tokens").status_code == 403
    assert stolen.post(f"/api/servers/{server}/enrolment-tokens").status_code == 403
    assert stolen.delete(f"/api/agents/{agent}").status_code == 403
    assert stolen.get("/api/projects").status_code == 200
    # A header that opens nothing does not make a session into a token.
    assert stolen.post("/api/tokens", headers={"Authorization": "Basic x"}).status_code == 403
    assert people.api("owner").delete(f"/api/agents/{agent}").status_code == 204


def test_pages_that_matter_ask_for_the_password_again(scene: Scene, people: People) -> None:
    stolen = aged(people.browser("root"))
    before = User.objects.count()
    pages = {
        "deployments/user/add/": {"username": "evil", "password1": "tall-oak-43", "password2": "tall-oak-43"},
        f"deployments/user/{scene.rows['user']}/change/": {"username": "evil"},
        f"deployments/user/{scene.rows['user']}/password/": {"password1": "x", "password2": "x"},
        "deployments/apitoken/add/": {"name": "x", "scope": "all", "days": "1"},
        f"agents/server/{scene.rows['server']}/new-enrolment-token/": {},
        f"agents/agent/{scene.rows['agent']}/revoke/": {},
    }
    for page, form in pages.items():
        for answer in (stolen.get(f"/admin/{page}"), stolen.post(f"/admin/{page}", form)):
            assert (answer.status_code, answer["Location"][:20]) == (302, "/admin/confirm/?next"), page
    wish = {"action": "delete_selected", "_selected_action": scene.rows["user"], "post": "yes"}
    assert stolen.post("/admin/deployments/user/", wish)["Location"].startswith("/admin/confirm/")
    assert User.objects.count() == before
    assert stolen.get("/admin/deployments/user/").status_code == 200


def test_the_routes_that_ask_are_there() -> None:
    admin = get_resolver().namespace_dict["admin"][1]
    assert {name.removeprefix("admin:") for name in ROUTES} <= {
        key for key in admin.reverse_dict if isinstance(key, str)
    }


def test_the_password_again_counts_for_some_minutes_and_leads_nowhere_else(people: People) -> None:
    browser = aged(people.browser("owner"))
    page = "/admin/deployments/apitoken/add/"
    asked = browser.get(page)["Location"]
    assert b"Wrong password" in browser.post(asked, {"password": "guess", "next": page}).content
    assert browser.get(page).status_code == 302
    assert browser.post(asked, {"password": "correct horse", "next": page})["Location"] == page
    assert browser.get(page).status_code == 200
    for away in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""):
        assert browser.post(asked, {"password": "correct horse", "next": away})["Location"] == "/admin/"
    guesses = [aged(browser).post(asked, {"password": "guess"}).status_code for _ in range(8)]
    assert guesses[-1] == 429


def test_a_session_that_an_older_version_began_is_asked(people: People) -> None:
    browser = people.browser("owner")
    session = browser.session
    del session[freshness.KEY]
    session.save()
    assert browser.post("/api/tokens").status_code == 403
