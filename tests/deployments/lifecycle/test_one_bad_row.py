"""One row that cannot be worked on never keeps a loop of ours from the others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django_rq import get_queue

from agents import isolation
from agents.isolation import REST, Isolation
from agents.models import Agent, Server
from deployments.models import Deployment, Project, User
from deployments.repositories.upkeep import overdue
from deployments.services.lifecycle import reconcile
from deployments.states import Reason, Status
from tests import factories
from tests.factories import later

BAD_ROWS: dict[str, dict[str, Any]] = {
    "the configuration lost its stack's name": {"config": {}},
    "services are not what we store": {"service_statuses": [{"name": "web", "deployed_at": "yesterday"}]},
    "services are no objects": {"service_statuses": ["web"]},
}


@pytest.fixture(autouse=True)
def no_faults_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has seen no fault; the queue is empty."""
    monkeypatch.setattr(isolation, "_LOOPS", {})
    factories.database_time(monkeypatch, later(1900))
    get_queue("deployments").empty()  # type: ignore[no-untyped-call]  # rq leaves it without types


@pytest.fixture(params=sorted(BAD_ROWS))
def bad(request: pytest.FixtureRequest, owner: User) -> Deployment:
    """A deployment at work whose row cannot be ended."""
    server = factories.make_server(owner, name="server-bad")
    deployment = factories.make_deployment(factories.make_project(owner, name="Bad"), server)
    factories.start_deployment(deployment, factories.make_agent(server))
    Deployment.objects.filter(pk=deployment.pk).update(**BAD_ROWS[request.param])
    return deployment


def overdue_of(project: Project, server: Server) -> UUID:
    """A deployment at work that is looked at after the bad one."""
    deployment = factories.make_deployment(project, server, at=later(1))
    factories.start_deployment(deployment, factories.make_agent(server))
    return deployment.id


def test_the_deadline_of_another_lane_is_kept(bad: Deployment, project: Project, server: Server) -> None:
    other = overdue_of(project, server)
    assert reconcile.reconcile(at=later(1900)) == 1
    assert factories.reload(other).reason is Reason.EXPIRED
    assert Deployment.objects.get(pk=bad.pk).status == Status.IN_PROGRESS
    assert isolation.failing() == {reconcile.ENDS: 1}


def test_a_bad_row_is_not_looked_at_every_round(
    bad: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(5):
        reconcile.expire_active(at=later(1900 + second))
    tried = [record for record in caplog.records if "item failed" in record.getMessage()]
    assert len(tried) == 1
    assert str(bad.pk) in tried[0].getMessage()


def test_bad_rows_take_no_place_in_a_batch(
    owner: User, project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "BATCH", 2)
    for number in range(3):
        elsewhere = factories.make_server(owner, name=f"bad-{number}")
        deployment = factories.make_deployment(factories.make_project(owner, name=f"Bad {number}"), elsewhere)
        factories.start_deployment(deployment, factories.make_agent(elsewhere))
        Deployment.objects.filter(pk=deployment.pk).update(config={})
    other = overdue_of(project, server)
    moved = sum(reconcile.expire_active(at=later(1900)) for _ in range(2))
    assert moved == 1
    assert factories.reload(other).status is Status.FAILED


def test_a_part_that_fails_does_not_keep_the_others(
    project: Project, server: Server, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> tuple[UUID, ...]:
        raise KeyError("claim")

    monkeypatch.setattr(overdue, "claim_for_job", broken)
    deployment = factories.make_deployment(project, server)
    factories.start_deployment(deployment, agent)
    assert reconcile.reconcile(at=later(1900)) == 1
    assert isolation.failing() == {"reconciler": 1}


def fail() -> None:
    raise ValueError("bad")


def test_an_item_rests_longer_each_time_and_is_forgotten_when_it_passes() -> None:
    clock = [0.0]
    loop = Isolation(loop="test", clock=lambda: clock[0])
    rests: list[float] = []
    for _ in range(12):
        with loop.item("a"):
            fail()
        started = clock[0]
        while loop.rests("a"):
            clock[0] += 1
        rests.append(clock[0] - started)
    assert all(REST.most / 2 - 1 <= rest <= REST.most + 1 for rest in rests[9:]), rests
    assert rests[0] <= REST.first + 1
    with loop.item("a"):
        pass
    assert loop.failing == 0


def test_an_item_that_went_another_way_is_not_counted_for_ever() -> None:
    clock = [0.0]
    loop = Isolation(loop="test", clock=lambda: clock[0])
    with loop.item("a"):
        fail()
    clock[0] = 3 * REST.most
    assert loop.failing == 0
