"""The people who knock at doors, and a project for them to find."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import settings as installed
from django.utils import timezone
from knox.models import AuthToken
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django import Settings
from rest_framework.test import APIClient

from agents.models import Agent, Cluster, Server
from deployments.models import Deployment, DeploymentHistory, PeopleGroup, Project, ProjectInvitation, User
from deployments.repositories import tokens
from deployments.repositories.people import link_rows
from deployments.services.fleet import machine_list
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.deployments.lane import Lane
from tests.doors.people import NAMES, People
from tests.doors.scene import Scene, expired_token_of
from tests.doors.serving import aside, served
from tests.passwords import quick_passwords  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def _no_request_was_counted(settings: Settings) -> None:
    """Counts are kept in Redis, which other tests use at the same time: each test has its own."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": f"test-{uuid4().hex}"}}


@pytest.fixture
def people(db: None) -> People:
    users = {name: factories.make_user(name, is_staff=True) for name in NAMES}
    root = factories.make_user("root", is_staff=True, is_superuser=True)
    tokens = {name: AuthToken.objects.create(user=user)[1] for name, user in {**users, "root": root}.items()}
    return People(users={**users, "root": root}, tokens=tokens)


@pytest.fixture
def project(people: People) -> Project:
    made = factories.make_project(people.users["owner"])
    factories.add_member(made, people.users["deployer"], role="deployer")
    factories.add_member(made, people.users["viewer"], role="viewer")
    factories.add_member(made, people.users["editor"], role="editor")
    factories.add_group(made, people.users["approver"], role="approver")
    return made


@pytest.fixture
def agent(server: Server) -> Agent:
    return factories.make_agent(server)


@pytest.fixture
def deployment(project: Project, server: Server) -> Deployment:
    return factories.make_deployment(project, server, env_vars={"PASSWORD": "1:sealed"})


@pytest.fixture
def owner_api(people: People) -> APIClient:
    return people.api("owner")


@pytest.fixture
def owner(people: People) -> User:
    return people.users["owner"]


@pytest.fixture
def deployed_lane(owner: User, project: Project, server: Server) -> Lane:
    """Its first version runs."""

    def first_version() -> Lane:
        made = Lane(owner=owner, project_id=project.id, server=server, agent=factories.make_agent(server))
        made.store_graph(web="web:1")
        made.deployed()
        return made

    return aside(first_version)


@pytest.fixture
def address(people: People, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A running server."""
    # The server's threads end with their requests, and so must their connections.
    monkeypatch.setitem(installed.DATABASES["default"], "CONN_MAX_AGE", 0)
    with served() as url:
        yield url


@pytest.fixture
def browser(address: str) -> Iterator[Browser]:
    """From here on Playwright keeps an event loop in this thread: the database is for `aside`."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=[1280, 390], ids=["desk", "phone"])
def page(
    request: pytest.FixtureRequest, project: Project, server: Server, browser: Browser, people: People, address: str
) -> Page:
    """A tab in which the owner is signed in. Project and server are there before the browser, see above."""
    context = browser.new_context(viewport={"width": request.param, "height": 850})
    sign_in(context, people=people, name="owner", address=address)
    return context.new_page()


def sign_in(context: BrowserContext, *, people: People, name: str, address: str) -> None:
    """From now on this person looks."""
    signed_in = aside(lambda: people.browser(name).cookies[installed.SESSION_COOKIE_NAME].value)
    context.add_cookies([{"name": installed.SESSION_COOKIE_NAME, "value": signed_in, "url": address}])


@pytest.fixture
def scene(
    people: People, project: Project, server: Server, agent: Agent, deployment: Deployment, settings: Settings
) -> Scene:
    settings.AXION_RATE_ANONYMOUS = settings.AXION_RATE_LIMIT = "10000/min"
    factories.grant(project, server)
    cluster = Cluster.objects.create(owner=people.users["owner"], name="all")
    earlier = factories.make_deployment(project, server, status="success", completed_at=factories.NOW)
    entry = DeploymentHistory.objects.create(
        deployment=earlier,
        project_id=project.id,
        target_id=server.id,
        number=1,
        version="v1",
        deployment_snapshot={"images": {}, "envNames": [], "graphVersion": 1},
        env_vars={},
        created_at=factories.NOW,
        dropped_at=factories.NOW,
    )
    invitation = ProjectInvitation.objects.create(
        project=project, name="stranger", invited_by=people.users["owner"], created_at=timezone.now()
    )
    caller = caller_of(people.users["owner"])
    machine_list.issue_enrolment_token(caller=caller, server_id=server.id)
    rows = {
        "project": project.id,
        "invitation": invitation.id,
        "server": server.id,
        "agent": agent.id,
        "deployment": deployment.id,
        "cluster": cluster.id,
        "history": entry.id,
        "earlier": earlier.id,
        "incident": factories.make_incident(project, server, deployment_id=earlier.id).id,
        "run": factories.make_job_run(project, server).id,
        "check": factories.make_reach_check(project, server).id,
        "channel": (channel := factories.make_channel(project=project)).id,
        "own_channel": factories.make_channel(owner=people.users["owner"]).id,
        "registry": factories.make_registry(project=project).id,
        "own_registry": factories.make_registry(owner=people.users["owner"]).id,
        "delivery": factories.make_delivery(channel).id,
        "link": link_rows.add(
            created_by=people.users["owner"].pk, at=timezone.now(), project_id=project.id, role="viewer"
        )[0].id,
        "group": PeopleGroup.objects.get(name="crew").id,
        "nothing": uuid4(),
        "user": people.users["owner"].id,
        "enrolment": machine_list.list_enrolment_tokens(caller=caller, server_id=server.id)[0].id,
        "token": tokens.of_user(user_id=people.users["owner"].id)[0].id,
        "installation": factories.make_installation(server).id,
        "rollout": factories.make_rollout(server).id,
    }
    return Scene(
        people=people, rows={name: str(row) for name, row in rows.items()}, expired_token=expired_token_of(people)
    )
