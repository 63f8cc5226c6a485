"""Upgrading: which lanes of an earlier version get a grant by themselves."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from deployments.models import Deployment, Project, TargetGrant, User
from tests import factories
from tests.factories import NOW

MIGRATION = import_module("deployments.migrations.0014_grants_of_lanes")


@pytest.fixture
def victor(db: None) -> User:
    return factories.make_user("victor")


def lane(project: Project, server_owner: User, *asked_by: User) -> None:
    """A server of this person, to which these people deployed the project."""
    server = factories.make_server(server_owner, name=f"server-{len(asked_by)}-{server_owner.username}")
    for user in asked_by:
        columns: dict[str, Any] = {"status": "success", "started_at": NOW, "completed_at": NOW}
        factories.make_deployment(project, server, requested_by=user, **columns)


def migrate() -> list[tuple[str | None, str | None]]:
    """Givers of the project's and the server's half, of each grant."""
    MIGRATION.grant(SimpleNamespace(), connection.schema_editor())
    MIGRATION.grant(SimpleNamespace(), connection.schema_editor())
    names = TargetGrant.objects.values_list("project_side_by__username", "server_side_by__username")
    return sorted(names, key=str)


def test_whoever_owns_both_keeps_the_right(owner: User, stranger: User, project: Project) -> None:
    lane(project, owner, owner, stranger)
    lane(project, owner, stranger)
    assert migrate() == [("alice", "alice"), ("alice", "alice")]


def test_a_server_of_somebody_else_is_offered_at_most(owner: User, victor: User, project: Project) -> None:
    lane(project, victor, owner)
    lane(project, victor, victor, owner)
    assert migrate() == []
    factories.add_member(project, victor, role="deployer")
    lane(project, victor, victor, victor, victor)
    assert migrate() == [("alice", "victor"), (None, "victor")]


def test_what_was_only_stopped_or_never_started_gives_nothing(owner: User, project: Project) -> None:
    lane(project, owner, owner)
    Deployment.objects.update(kind="stop")
    assert migrate() == []
    Deployment.objects.update(kind="deploy", started_at=None, status="failed", reason="invalid")
    assert migrate() == []
