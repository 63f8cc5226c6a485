"""The audit log: written with the change, never changed, bounded, and without a secret."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from pytest_django import Settings

from deployments.data.audit_types import ACTION_WORDS, AuditAction
from deployments.data.variable_types import PROJECT_WIDE
from deployments.errors import Conflict, NotFound
from deployments.models import AuditEntry, Project, User
from deployments.repositories.people import audit_rows
from deployments.scopes import Scope
from deployments.services.audit.record import record
from deployments.services.permissions import api_tokens
from deployments.services.permissions.access import caller_of
from deployments.services.projects import project_settings, project_variables
from deployments.services.queries import audit_view
from deployments.services.upkeep import housekeeping
from tests import factories


def test_every_action_has_words() -> None:
    assert set(ACTION_WORDS) == set(AuditAction)


def test_an_entry_is_never_changed(project: Project, owner: User) -> None:
    with transaction.atomic():
        record(by=caller_of(owner), action=AuditAction.PROJECT_CREATED, project_id=project.id)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        AuditEntry.objects.update(detail="it was not me")


def test_what_is_taken_back_was_not_written_down(project: Project, owner: User) -> None:
    factories.make_project(owner, name="taken")
    with pytest.raises(Conflict):
        project_settings.change_project(caller=caller_of(owner), project_id=project.id, name="taken", settings={})
    assert not AuditEntry.objects.exists()


def test_settings_are_told_with_before_and_after(project: Project, owner: User) -> None:
    settings = {"retention": 7, "concurrency": project.concurrency}
    project_settings.change_project(caller=caller_of(owner), project_id=project.id, settings=settings)
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.actor_name) == ("settings_changed", "owner")
    assert entry.detail == f"retention: {project.retention} -> 7"


def test_variables_are_told_by_name_and_never_by_value(project: Project, owner: User) -> None:
    values = {"PASSWORD": "hunter2-hunter2", "URL": "https://hunter2.example"}
    project_variables.change_variables(
        caller=caller_of(owner), project_id=project.id, place=PROJECT_WIDE, values=values, at=timezone.now()
    )
    project_variables.change_variables(
        caller=caller_of(owner), project_id=project.id, place=PROJECT_WIDE, values={}, remove=["URL"], at=timezone.now()
    )
    said = [entry.detail for entry in AuditEntry.objects.order_by("id")]
    assert said == ["set PASSWORD, URL", "removed URL"]
    assert not any("hunter2" in str(row) for row in AuditEntry.objects.values())


def test_tokens_are_told_to_their_person_and_to_nobody_else(owner: User, other: User) -> None:
    made, text = api_tokens.create_token(caller=caller_of(owner), name="ci", scope=Scope.DEPLOY, days=5)
    api_tokens.revoke_token(caller=caller_of(owner), token_id=made.id)
    seen = audit_view.of_person(caller=caller_of(owner), person_id=owner.pk)
    assert [entry.words for entry in seen.items] == [
        "Deleted the API token: ci",
        "Created the API token: ci (deploy, 5 days)",
    ]
    assert text not in str(seen)
    with pytest.raises(NotFound):
        audit_view.of_person(caller=caller_of(other), person_id=owner.pk)


def test_housekeeping_drops_what_is_old(project: Project, owner: User, settings: Settings) -> None:
    settings.AXION_KEEP_AUDIT_DAYS = 2
    now = timezone.now()
    for days in (0, 1, 3, 400):
        audit_rows.add(
            at=now - timedelta(days=days),
            actor_id=owner.pk,
            actor_name="owner",
            action=AuditAction.MEMBER_JOINED,
            detail=str(days),
            project_id=project.id,
            server_id=None,
            person_id=None,
        )
    housekeeping.tidy(at=now)
    assert {entry.detail for entry in AuditEntry.objects.all()} == {"0", "1"}


def test_too_long_a_detail_is_cut_and_says_so(project: Project, owner: User) -> None:
    record(by=caller_of(owner), action=AuditAction.VARIABLES_CHANGED, detail="x" * 2000, project_id=project.id)
    assert AuditEntry.objects.get().detail.endswith("x...")
