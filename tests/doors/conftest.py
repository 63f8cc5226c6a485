"""The people who knock at doors, and a project for them to find."""

from __future__ import annotations

from uuid import uuid4

import pytest
from knox.models import AuthToken
from pytest_django import Settings
from rest_framework.test import APIClient

from agents.models import Agent, Server
from deployments.models import Deployment, Project, User
from tests import factories
from tests.doors.people import People


@pytest.fixture(autouse=True)
def _no_request_was_counted(settings: Settings) -> None:
    """Counts are kept in Redis, which other tests use at the same time: each test has its own."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": f"test-{uuid4().hex}"}}


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Nobody attacks these; the real hasher costs a second for each user."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(db: None) -> People:
    users = {name: factories.make_user(name, is_staff=True) for name in ("owner", "deployer", "viewer", "stranger")}
    root = factories.make_user("root", is_staff=True, is_superuser=True)
    tokens = {name: AuthToken.objects.create(user=user)[1] for name, user in {**users, "root": root}.items()}
    return People(users={**users, "root": root}, tokens=tokens)


@pytest.fixture
def project(people: People) -> Project:
    made = factories.make_project(people.users["owner"])
    factories.add_member(made, people.users["deployer"], role="deployer")
    factories.add_member(made, people.users["viewer"], role="viewer")
    return made


@pytest.fixture
def server(people: People) -> Server:
    return factories.make_server(people.users["owner"])


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
