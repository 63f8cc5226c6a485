"""Several at once at a rollback: one effect, and nobody waits for another for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from agents.models import CommandRecord
from deployments.errors import DeployError
from deployments.models import Deployment, DeploymentEvent
from deployments.services.lifecycle import reconcile
from deployments.services.lifecycle.cancel import cancel_deployment
from deployments.states import Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import later

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST_SECONDS = 60


def at_once(*acts: Callable[[], object]) -> list[BaseException]:
    """Run all in threads of their own, begun together; what the product itself refuses is no error."""
    errors: list[BaseException] = []
    ready = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        try:
            ready.wait(LONGEST_SECONDS)
            act()
        except DeployError:
            pass
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_SECONDS)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return errors


def two_successes(lane: Lane) -> DeploymentRecord:
    lane.deployed()
    lane.store_graph(web="web:2", db="db:1")
    return lane.deployed()


def test_workers_that_start_the_same_rollback_send_one_order(lane: Lane) -> None:
    second = two_successes(lane)
    rollback = lane.ask_rollback(second)
    assert at_once(*[lambda: lane.start(rollback)] * 4) == []
    assert CommandRecord.objects.filter(deployment_id=rollback.id).count() == 1
    began = DeploymentEvent.objects.filter(deployment=second.id, payload__to="rolling_back")
    assert began.count() == 1


def test_asking_starting_cancelling_and_tidying_at_once_end_in_one_true_state(lane: Lane) -> None:
    second = two_successes(lane)
    rollback, other = lane.ask_rollback(second), lane.ask_rollback(second)
    errors = at_once(
        lambda: lane.start(rollback),
        lambda: lane.start(other),
        lambda: cancel_deployment(caller=lane.caller, deployment_id=rollback.id, at=later(50)),
        lambda: cancel_deployment(caller=lane.caller, deployment_id=second.id, at=later(50)),
        lambda: lane.ask_rollback(second),
        lambda: reconcile.reconcile(at=later(50)),
    )
    assert errors == []
    states = {each.id: each for each in map(factories.reload, Deployment.objects.values_list("pk", flat=True))}
    holders = [each for each in states.values() if each.holds_lane]
    assert len(holders) <= 1
    undone = states[second.id]
    if holders:
        assert (undone.status, undone.rolled_back_by) == (Status.ROLLING_BACK, holders[0].id)
    else:
        assert (undone.status, undone.rolled_back_by) == (Status.SUCCESS, None)
