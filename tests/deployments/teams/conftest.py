"""A project with an owner, and people around it."""

from __future__ import annotations

import pytest

from deployments.models import Project, User
from deployments.services.permissions.access import caller_of
from deployments.types import Caller
from tests import factories
from tests.passwords import quick_passwords  # noqa: F401 - a fixture


@pytest.fixture
def root(db: None) -> Caller:
    return caller_of(factories.make_user("root", is_staff=True, is_superuser=True))


@pytest.fixture
def owner(db: None) -> User:
    return factories.make_user("owner", is_staff=True)


@pytest.fixture
def other(db: None) -> User:
    return factories.make_user("other", is_staff=True)


@pytest.fixture
def project(owner: User) -> Project:
    return factories.make_project(owner)
