"""Every verb of the pages: by each person, the agent away, by two at once, with a right taken, filled in badly.

Whatever a page does not do it says so, stores nothing half, and never fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.urls import resolve
from django.utils import timezone

from agents.models import Agent, Server
from deployments.models import Project, ProjectGroup, ProjectMember
from tests.doors.admin.acting import Acting, Done, acting_of
from tests.doors.admin.verbs import DEPLOYERS, VERBS, Verb
from tests.doors.admin_table import ADMIN
from tests.doors.people import People

pytestmark = pytest.mark.django_db
EVERYBODY = ("owner", "approver", "editor", "deployer", "viewer", "stranger")
ROOT = Path(__file__).resolve().parents[3]
NONSENSE = ("", "<b>x", "11111111-2222-4333-8444-555555555555", "9" * 400)
# What stands in a form by that name is nobody's to get wrong: it may be empty, or anything.
FREE = {"password", "post", "email", "replace", "value", "requestId"}
# Looking again, or the same wish with nothing left to do, is not refused.
WITHOUT_WORDS = {"decline an invitation", "leave"}


@pytest.fixture
def acting(people: People, project: Project, server: Server) -> Acting:
    return acting_of(people, project, server)


def wrong_with(verb: Verb, done: Done, *, who: str, changes: bool, says: str = "") -> Iterator[str]:
    """Yield what should not be."""
    if says not in done.said:
        yield f"{verb.name} by {who}: says {done.said!r}, not {says!r}"
    if done.status >= 500:
        yield f"{verb.name} by {who}: fails with {done.status}"
    if done.changed is not changes:
        yield f"{verb.name} by {who}: {'stores nothing' if changes else 'stores something'}: {done.status} {done.said}"
    if not done.changed and not done.said and done.status not in (403, 404):
        yield f"{verb.name} by {who}: says nothing, {done.status}"


def tried_by(verb: Verb) -> tuple[str, ...]:
    """Who may do it with the least rights, who may not with the most, and somebody without any."""
    others = [who for who in EVERYBODY if who not in verb.may and who != "stranger"]
    return tuple(dict.fromkeys((verb.may[-1], *others[:1], "stranger")))


def test_each_verb_is_done_by_whom_it_is_meant_for_and_said_to_the_others(acting: Acting) -> None:
    wrong = [
        each
        for verb in VERBS
        for who in tried_by(verb)
        for each in wrong_with(
            verb,
            acting.try_out(verb, who),
            who=who,
            changes=who in verb.may and not verb.refused,
            says=verb.refused if who in verb.may else "",
        )
    ]
    assert not wrong, "\n".join(wrong)


def test_what_an_agent_is_needed_for_is_refused_or_waits_while_it_is_away(acting: Acting) -> None:
    Agent.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    wrong = list[str]()
    for verb in VERBS:
        done = acting.try_out(verb, verb.may[0])
        said = verb.away or verb.refused
        wrong += wrong_with(verb, done, who=verb.may[0], changes=not said, says=said)
    assert not wrong, "\n".join(wrong)


def test_what_somebody_did_just_before_is_not_done_half(acting: Acting) -> None:
    wrong = list[str]()
    for verb in VERBS:
        with transaction.atomic():
            acting.do(verb, verb.may[0])
            done = acting.do(verb, verb.may[min(1, len(verb.may) - 1)])
            if done.status >= 500 or (not done.changed and not done.said and done.status not in (302, 403, 404)):
                wrong.append(f"{verb.name}: {done}")
            if verb.again not in done.said:
                wrong.append(f"{verb.name}: says {done.said!r}, not {verb.again!r}")
            transaction.set_rollback(True)
    assert not wrong, "\n".join(wrong)


def test_whose_right_was_taken_meanwhile_changes_nothing(acting: Acting) -> None:
    verbs = [verb for verb in VERBS if "deployer" in verb.may and verb.may[: len(DEPLOYERS)] == DEPLOYERS]
    verbs = [verb for verb in verbs if "stranger" not in verb.may]
    assert len(verbs) > 10
    wrong = list[str]()
    ProjectMember.objects.filter(user=acting.people.users["deployer"]).update(role="viewer")
    for verb in verbs:
        done = acting.try_out(verb, "deployer")
        wrong += wrong_with(verb, done, who="deployer", changes=False)
        if not done.said:
            wrong.append(f"{verb.name}: a viewer is told nothing")
    ProjectMember.objects.all().delete()
    ProjectGroup.objects.all().delete()
    acting = replace(acting)
    for verb in verbs:
        done = acting.try_out(verb, "deployer")
        if done.changed or done.status != 404:
            wrong.append(f"{verb.name} by who is no member any more: {done}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(600)
def test_what_is_filled_in_badly_is_said_and_stored_nowhere(acting: Acting) -> None:
    wrong = list[str]()
    for verb in VERBS:
        for field in sorted(set(verb.form) - FREE - set(verb.free)):
            for text in NONSENSE:
                form = {**verb.form, field: text}
                done = acting.try_out(verb, verb.may[0], form=form)
                found = wrong_with(verb, done, who=f"{verb.may[0]} with {field}={text[:9]!r}", changes=False)
                wrong += found
    assert not wrong, "\n".join(wrong)


def test_every_button_of_a_form_is_a_verb() -> None:
    """A new one is added to `verbs.py`, with who may do it."""
    offered = {
        value
        for page in (ROOT / "templates/admin").rglob("*.html")
        for value in re.findall(r'name="do" value="([\w-]+)"', page.read_text())
    }
    known = {str(verb.form["do"]) for verb in VERBS if "do" in verb.form}
    # They only look.
    assert offered - known == {"check", "preview"}


# What is about nobody's rows, has tests of its own that need more than a form, or is asked for by a script.
ELSEWHERE = {
    *("confirm/", "logout/", "language/", "join/<str:text>/", "password/<str:text>/", "forgotten/"),
    *("deployments/project/<uuid:object_id>/plan/", "deployments/project/<uuid:object_id>/graph/"),
    *("deployments/project/<uuid:object_id>/repair/", "deployments/project/<uuid:object_id>/leave/"),
    *("deployments/project/<uuid:object_id>/file/", "deployments/project/<uuid:object_id>/settings/"),
    *("deployments/notificationchannel/add/", "deployments/notificationchannel/<uuid:object_id>/edit/"),
    *("deployments/registry/add/", "deployments/apitoken/<path:object_id>/delete/"),
    "deployments/user/<id>/password/",
}


def test_every_page_that_takes_a_form_has_a_verb() -> None:
    posts = [door for doors in ADMIN.values() for door in doors if door.method == "post"]
    closed = {door.route for door in posts if door.answers[0] == 403}
    done = {route_of(verb.path) for verb in VERBS}
    taken = {door.route for door in posts}
    # Django's own ends of rows are closed to everybody.
    assert taken - closed - done - ELSEWHERE == set(), "add a verb to tests/doors/admin/verbs.py, or say why not"


def route_of(path: str) -> str:
    filled = re.sub(r"\{\w+\}", "11111111-2222-4333-8444-555555555555", path)
    return str(resolve(filled).route).removeprefix("admin/")
