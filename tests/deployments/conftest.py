"""Personas and machines."""

from __future__ import annotations

import pytest

from agents.models import Agent, Server
from deployments.models import Project, User
from tests import factories


@pytest.fixture
def owner(db: None) -> User:
    return factories.make_user("alice")


@pytest.fixture
def stranger(db: None) -> User:
    return factories.make_user("mallory")


@pytest.fixture
def project(owner: User) -> Project:
    return factories.make_project(owner)


@pytest.fixture
def server(owner: User) -> Server:
    return factories.make_server(owner)


@pytest.fixture
def agent(server: Server) -> Agent:
    return factories.make_agent(server)
