"""A newer deploy replaces the deploys that wait. Nothing else replaces, and nothing else is replaced."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from deployments.models import Project
from deployments.services.requests.scale import scale_service
from deployments.services.requests.stop import stop_project
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane


def ask_stop(lane: Lane, _: DeploymentRecord) -> DeploymentRecord:
    return stop_project(
        caller=lane.caller, project_id=lane.project_id, target=lane.target, deployment_id=uuid4(), at=lane.now()
    )


def ask_scale(lane: Lane, _: DeploymentRecord) -> DeploymentRecord:
    return scale_service(
        caller=lane.caller,
        project_id=lane.project_id,
        target=lane.target,
        service_name="web",
        replicas=3,
        deployment_id=uuid4(),
        at=lane.now(),
    )


ASK: dict[str, Callable[[Lane, DeploymentRecord], DeploymentRecord]] = {
    "deploy": lambda lane, _: lane.ask(),
    "rollback": lambda lane, success: lane.ask_rollback(success),
    "stop": ask_stop,
    "scale": ask_scale,
}


@pytest.fixture
def success(lane: Lane) -> DeploymentRecord:
    """The second of two successes, in a project where newer deploys replace those that wait, while a third works."""
    Project.objects.filter(pk=lane.project_id).update(concurrency="supersede")
    lane.deployed()
    second = lane.deployed()
    lane.start(lane.ask())
    return second


@pytest.mark.parametrize("newer", sorted(ASK))
@pytest.mark.parametrize("waiting", sorted(ASK))
def test_only_a_deploy_takes_the_place_of_a_deploy(
    lane: Lane, success: DeploymentRecord, waiting: str, newer: str
) -> None:
    first = ASK[waiting](lane, success)
    ASK[newer](lane, success)
    now = factories.reload(first.id)
    if waiting == newer == "deploy":
        assert (now.status, now.reason) == (Status.FAILED, Reason.SUPERSEDED)
    else:
        assert now.status is Status.PENDING
