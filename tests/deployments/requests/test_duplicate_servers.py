"""One machine that stands in two lanes of a project: the second is refused by the first one's name."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from agents.models import Agent, CommandRecord
from deployments.errors import Conflict
from deployments.services.requests.stop import stop_project
from deployments.states import Reason, Status
from tests import factories
from tests.deployments.lane import Lane

REFUSED = "This server is the same machine as server-1, where the project is deployed already."


@pytest.fixture
def second(lane: Lane) -> Lane:
    """The same project, on another server whose agent speaks for the same Docker engine."""
    server = factories.make_server(lane.owner, name="server-2")
    other = replace(lane, server=server, agent=factories.make_agent(server), seconds=100)
    Agent.objects.update(health={"engine_id": "e" * 32})
    return other


def test_the_second_name_of_a_machine_is_refused(lane: Lane, second: Lane) -> None:
    lane.deployed()
    with pytest.raises(Conflict, match=REFUSED):
        second.ask()
    assert lane.deployed().status is Status.SUCCESS, "where it runs it may be deployed again"


def test_so_it_is_while_the_first_is_at_work(lane: Lane, second: Lane) -> None:
    working = lane.start(lane.ask())
    with pytest.raises(Conflict, match=REFUSED):
        second.ask()
    lane.fail(working)
    assert second.start(second.ask()).status is Status.IN_PROGRESS


def test_of_two_that_wait_one_starts(lane: Lane, second: Lane) -> None:
    one, other = lane.ask(), second.ask()
    assert lane.start(one).status is Status.IN_PROGRESS
    refused = second.start(other)
    assert (refused.status, refused.reason) == (Status.FAILED, Reason.INVALID)
    assert refused.message.startswith(REFUSED)
    assert CommandRecord.objects.count() == 1


def test_once_stopped_there_it_may_go_by_the_other_name(lane: Lane, second: Lane) -> None:
    lane.deployed()
    stopped = stop_project(
        caller=lane.caller, project_id=lane.project_id, target=lane.target, deployment_id=uuid4(), at=lane.now()
    )
    lane.succeed(lane.start(stopped))
    assert second.deployed().status is Status.SUCCESS


def test_what_is_not_known_to_be_one_machine_is_two(lane: Lane, second: Lane) -> None:
    lane.deployed()
    for told in ({"engine_id": "f" * 32}, {"engine_id": ""}, {}):
        Agent.objects.filter(pk=second.agent.pk).update(health=told)
        assert second.ask().status is Status.PENDING
