"""The one writer of status."""

from __future__ import annotations

import threading
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from agents.models import Server
from deployments.models import Deployment, DeploymentEvent, Project
from deployments.repositories import deployments
from deployments.repositories.deployments import Outcome
from deployments.states import TRANSITIONS, IllegalTransitionError, Reason, Status, Transition
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import NOW


@pytest.mark.parametrize(("status", "transition"), list(product(Status, Transition)))
def test_advance_obeys_the_table(project: Project, server: Server, status: Status, transition: Transition) -> None:
    reason = Reason.UNHEALTHY if status is Status.FAILED else Reason.NONE
    deployment = factories.make_deployment(project, server, status=status, reason=reason)
    sources, target = TRANSITIONS[transition]
    outcome = Outcome(reason=Reason.UNHEALTHY, message="why") if target is Status.FAILED else None
    if status in sources:
        deployments.advance(deployment_id=deployment.id, transition=transition, at=NOW, outcome=outcome)
        assert factories.reload(deployment.id).status is target
        assert [event.type for event in DeploymentEvent.objects.all()] == ["deployment.status_changed"]
        return
    with pytest.raises(IllegalTransitionError):
        deployments.advance(deployment_id=deployment.id, transition=transition, at=NOW, outcome=outcome)
    assert factories.reload(deployment.id).status is status
    assert not DeploymentEvent.objects.exists()


def test_status_and_event_are_stored_together_or_not_at_all(project: Project, server: Server) -> None:
    deployment = factories.make_deployment(project, server)
    with pytest.raises(RuntimeError, match="died"), transaction.atomic():
        deployments.advance(deployment_id=deployment.id, transition=Transition.START, at=NOW)
        raise RuntimeError("died")
    assert factories.reload(deployment.id).status is Status.PENDING
    assert factories.reload(deployment.id).last_sequence == 0


def test_only_one_deployment_of_a_lane_can_be_active(project: Project, server: Server) -> None:
    first, second = (factories.make_deployment(project, server) for _ in range(2))
    deployments.advance(deployment_id=first.id, transition=Transition.START, at=NOW)
    with pytest.raises(IntegrityError, match="one_active_per_target"), transaction.atomic():
        deployments.advance(deployment_id=second.id, transition=Transition.START, at=NOW)


def test_other_projects_and_targets_are_other_lanes(project: Project, server: Server) -> None:
    elsewhere = factories.make_server(server.owner, name="server-2")
    another = factories.make_project(project.owner, name="Another")
    for deployment in (
        factories.make_deployment(project, server),
        factories.make_deployment(project, elsewhere),
        factories.make_deployment(another, server),
    ):
        deployments.advance(deployment_id=deployment.id, transition=Transition.START, at=NOW)
    assert Deployment.objects.filter(status=Status.IN_PROGRESS).count() == 3


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_starts_it() -> None:
    owner = factories.make_user("alice")
    deployment = factories.make_deployment(factories.make_project(owner), factories.make_server(owner))
    results: list[str] = []
    ready = threading.Barrier(8)

    def race() -> None:
        ready.wait(timeout=10)
        try:
            with transaction.atomic():
                deployments.advance(deployment_id=deployment.id, transition=Transition.START, at=NOW)
            results.append("won")
        except IllegalTransitionError:
            results.append("lost")
        finally:
            connection.close()

    racers = [threading.Thread(target=race) for _ in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=20)
    assert sorted(results) == ["lost"] * 7 + ["won"]
    assert factories.reload(deployment.id).last_sequence == 1


def test_a_failure_without_a_reason_is_refused_by_the_database(project: Project, server: Server) -> None:
    deployment = factories.make_deployment(project, server)
    with pytest.raises(IntegrityError, match="failure_has_reason"), transaction.atomic():
        deployments.advance(deployment_id=deployment.id, transition=Transition.FAIL, at=NOW)


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"progress": 101}, "progress_is_percent"),
        ({"status": "cancelled"}, "known_status"),
        ({"stage": "dancing"}, "known_stage"),
        ({"reason": "mood"}, "known_reason"),
        ({"completed_at": NOW}, "unfinished_is_not_completed"),
        ({"server_id": None}, "exactly_one_target"),
    ],
)
def test_the_database_refuses_what_must_never_be(
    project: Project, server: Server, columns: dict[str, object], constraint: str
) -> None:
    deployment = factories.make_deployment(project, server)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Deployment.objects.filter(pk=deployment.id).update(**columns)


def test_the_hand_over_is_dated_after_the_start_however_long_it_was_prepared(lane: Lane) -> None:
    started = lane.start(lane.ask())
    dated = dict(DeploymentEvent.objects.filter(deployment=started.id).values_list("type", "created_at"))
    assert dated["deployment.status_changed"] == started.started_at
    assert dated["deployment.command_sent"] == started.started_at
