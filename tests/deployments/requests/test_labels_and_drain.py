"""A server that is drained takes no new deployment, and one may be named by a label that it alone has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.errors import Conflict, Invalid, NotFound
from deployments.models import User
from deployments.services.fleet import machine_changes
from deployments.services.permissions import access
from deployments.services.requests import make_plan
from deployments.services.requests.label_target import target_of_label
from deployments.states import Status
from tests import factories
from tests.deployments.lane import Lane


def change(lane: Lane, **changes: object) -> None:
    machine_changes.change_server(caller=lane.caller, server_id=lane.server.id, changes=changes)


def test_a_drained_server_refuses_plans_and_deployments_by_name_and_its_work_goes_on(lane: Lane) -> None:
    working = lane.start(lane.ask())
    change(lane, drained=True)
    for ask in (lane.ask, lambda: make_plan.plan_deployment(caller=lane.caller, request=lane.request())):
        with pytest.raises(Conflict, match="server-1 is drained") as refused:
            ask()
        assert refused.value.details == {"serverId": "drained"}
    assert lane.succeed(working).status is Status.SUCCESS
    change(lane, drained=False)
    assert lane.deployed().status is Status.SUCCESS


def test_a_label_names_the_one_server_that_has_it(lane: Lane, stranger: User) -> None:
    server = factories.make_server(lane.owner, name="server-2")
    second = replace(lane, server=server, agent=factories.make_agent(server), seconds=100)
    lane.deployed()
    second.deployed()
    change(lane, labels=["region=eu", "disk=fast", "region=eu"])
    change(second, labels=["region=eu"])

    def named(label: str) -> object:
        return target_of_label(caller=lane.caller, project_id=lane.project_id, label=label)

    assert named("disk=fast") == lane.target
    with pytest.raises(Invalid, match="server-1, server-2"):
        named("region=eu")
    change(lane, drained=True)
    assert named("region=eu") == second.target
    for label in ("disk=fast", "nobody-has-it"):
        with pytest.raises(NotFound, match=label):
            named(label)
    with pytest.raises(NotFound):
        target_of_label(caller=access.caller_of(stranger), project_id=lane.project_id, label="region=eu")


@pytest.mark.parametrize("labels", [["no good"], ["x" * 64], [f"l{place}" for place in range(21)], [""]])
def test_what_is_no_label_is_refused(lane: Lane, labels: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        change(lane, labels=labels)
    assert "labels" in refused.value.details
