"""Answers that are kept: never beyond a change, never for a stranger, and never more bytes than allowed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from agents.models import Server
from deployments.kafka_api import kept_answers
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.group_consumer import BYTES_BESIDE, MAX_UNDERWAY_BYTES
from deployments.kafka_api.identity import by_trust
from deployments.kafka_api.incoming import IncomingRecord
from deployments.kafka_api.kept_answers import KeptAnswers, Stamp
from deployments.kafka_api.replies import Answer, encoded, success
from deployments.kafka_api.workers import Workers
from deployments.models import Deployment, DeploymentHistory, Project, ProjectMember, User
from deployments.services.queries import lookups
from tests import factories

GET = "deployment-service.getDeployment"
STATUS = "deployment-service.getDeploymentStatus"


def asked(user: User, deployment: Deployment, *, topic: str = GET) -> IncomingRecord:
    value = f'{{"metadata": {{"userId": "{user.id}"}}, "deploymentId": "{deployment.id}"}}'.encode()
    return IncomingRecord(topic=topic, partition=0, offset=1, timestamp_ms=0, key=None, value=value, headers={})


def enter_history(deployment: Deployment, *, version: str) -> None:
    DeploymentHistory.objects.create(
        deployment=deployment,
        project_id=deployment.project_id,
        target_id=deployment.target_id,
        number=3,
        version=version,
        deployment_snapshot={"images": {}},
        created_at=timezone.now(),
    )


@pytest.fixture
def dispatcher() -> Dispatcher:
    return Dispatcher(identify=by_trust(), health=dict)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Each deployment that was read whole."""
    seen: list[UUID] = []
    read = lookups.get_deployment

    def counting(**asked_for: Any) -> Any:
        seen.append(asked_for["deployment_id"])
        return read(**asked_for)

    monkeypatch.setattr(lookups, "get_deployment", counting)
    return seen


def test_what_did_not_change_is_read_once_for_each_pattern(
    dispatcher: Dispatcher, owner: User, deployment: Deployment, reads: list[UUID]
) -> None:
    for topic in (GET, STATUS):
        answers = [encoded(dispatcher.answer(asked(owner, deployment, topic=topic))) for _ in range(3)]
        assert len(set(answers)) == 1
    assert len(reads) == 2


def test_every_change_shows_also_one_that_no_event_tells(
    dispatcher: Dispatcher, owner: User, deployment: Deployment, reads: list[UUID]
) -> None:
    row = Deployment.objects.filter(pk=deployment.pk)
    changes: list[Callable[[], object]] = [
        partial(row.update, last_sequence=7),
        partial(row.update, config={"dockerComposeYml": "new"}),
        partial(User.objects.filter(pk=deployment.requested_by_id).update, username="renamed"),
        partial(enter_history, deployment, version="v3"),
    ]
    answers = [encoded(dispatcher.answer(asked(owner, deployment)))]
    for change in changes:
        change()
        answers.append(encoded(dispatcher.answer(asked(owner, deployment))))
    assert len(set(answers)) == len(reads) == len(changes) + 1
    assert b'"requestedBy":"renamed"' in answers[-1]
    assert b'"version":"v3"' in answers[-1]


def test_a_kept_answer_is_not_for_a_stranger(
    dispatcher: Dispatcher, owner: User, stranger: User, deployment: Deployment
) -> None:
    assert dispatcher.answer(asked(owner, deployment)).code == ""
    assert dispatcher.answer(asked(stranger, deployment)).code == "NOT_FOUND"


def test_it_ends_with_the_right_to_see(dispatcher: Dispatcher, owner: User, stranger: User, project: Project) -> None:
    deployment = factories.make_deployment(project, factories.make_server(owner), at=timezone.now())
    member = ProjectMember.objects.create(project=project, user=stranger)
    assert dispatcher.answer(asked(stranger, deployment)).code == ""
    member.delete()
    assert dispatcher.answer(asked(stranger, deployment)).code == "NOT_FOUND"


def test_kept_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr(kept_answers, "MAX_KEPT_BYTES", 250)
    kept, made = KeptAnswers(), []

    def answer(subject: int) -> Answer:
        def make() -> Answer:
            made.append(subject)
            return success({"text": "x" * 30})

        return kept.answer(Stamp(subject=subject, state=1), make)

    size = len(encoded(answer(0)))
    for subject in (1, 0, 2, 0, 3, 0):
        answer(subject)
    assert made == [0, 1, 2, 3]
    for subject in range(1, 20):
        answer(subject)
    answer(0)
    assert made.count(0) == 2
    assert size < 250


def test_small_requests_do_not_fill_the_workers_and_large_ones_do() -> None:
    workers = Workers(name="none", count=0, max_bytes=MAX_UNDERWAY_BYTES)
    for _ in range(1024):
        workers.start(lambda: None, size=BYTES_BESIDE + 300)
    assert not workers.is_full
    workers.start(lambda: None, size=MAX_UNDERWAY_BYTES)
    assert (workers.is_full, workers.has_room) == (True, False)
    workers.finish(size=MAX_UNDERWAY_BYTES)
    for _ in range(512):
        workers.finish(size=BYTES_BESIDE + 300)
    assert workers.has_room
