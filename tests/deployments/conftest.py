"""Personas and machines."""

from __future__ import annotations

from uuid import uuid4

import pytest

from agents.models import Agent, Server
from deployments.models import User
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from tests import factories
from tests.deployments.lane import Lane
from tests.passwords import quick_passwords  # noqa: F401 - a fixture


@pytest.fixture
def agent(server: Server) -> Agent:
    return factories.make_agent(server)


@pytest.fixture
def lane(owner: User, server: Server, agent: Agent) -> Lane:
    project = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name="Shop")
    made = Lane(owner=owner, project_id=project.id, server=server, agent=agent)
    made.store_graph(web="web:1", db="db:1")
    return made
