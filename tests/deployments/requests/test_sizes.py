"""What is too large for the way to an agent is refused with its size: when asked for, when planned, when it starts."""

from __future__ import annotations

from typing import Any

import pytest

from agents.limits import MAX_COMMAND_BYTES, MAX_SERVICES, MAX_VALUE_BYTES, MIB
from agents.models import CommandRecord
from deployments.errors import Invalid
from deployments.services.projects import sources
from deployments.services.requests import make_plan
from deployments.services.stacks import stack_size
from deployments.states import Reason, Status
from stackgen.results import Stack, StackService
from tests.deployments.lane import Lane, graph_of_images

pytestmark = pytest.mark.django_db


def dollars(count: int) -> dict[str, Any]:
    """A graph well below the door's bound, whose `$` are doubled when they are written."""
    graph = graph_of_images(web="nginx")
    values = {f"env.X{number}": "$" * 32_768 for number in range(count // 32_768)}
    graph["nodes"][0]["data"]["config"] |= values
    return graph


def store(lane: Lane, graph: dict[str, Any]) -> None:
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=graph)


def test_a_graph_that_doubles_beyond_the_bound_is_refused_with_its_size(lane: Lane) -> None:
    store(lane, dollars(7 * MIB))
    for ask in (lane.ask, lambda: make_plan.plan_deployment(caller=lane.caller, request=lane.request())):
        with pytest.raises(Invalid, match=r"^The generated files are 14(\.\d)? MiB; at most 12 MiB can be sent"):
            ask()
    store(lane, dollars(MIB))
    assert lane.start(lane.ask()).status is Status.IN_PROGRESS


def test_what_was_accepted_before_fails_when_it_starts_and_frees_the_lane(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(lane, dollars(7 * MIB))
    with monkeypatch.context() as older:
        older.setattr(stack_size, "check_stack", lambda stack: None)
        asked = lane.ask()
    failed = lane.start(asked)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.INVALID)
    assert failed.message.startswith("The generated files are 14")
    assert not CommandRecord.objects.exists()
    lane.store_graph(web="nginx")
    assert lane.start(lane.ask()).status is Status.IN_PROGRESS


def test_a_value_that_no_program_could_be_given_is_refused_by_name(lane: Lane) -> None:
    lane.store_graph(web="nginx")
    with pytest.raises(Invalid) as refused:
        lane.ask(env_vars={"LONG": "x" * (MAX_VALUE_BYTES + 1)})
    assert refused.value.details == {"envVars.LONG": "larger than 120 KiB"}


def test_more_services_than_run_as_one_are_refused_by_number() -> None:
    def stack(count: int) -> Stack:
        services = tuple(StackService(node_id=f"n{number}", name=f"s{number}", image="x") for number in range(count))
        return Stack(name="s", engine="compose", files={}, services=services, variables=(), names={})

    stack_size.check_stack(stack(MAX_SERVICES))
    with pytest.raises(Invalid, match=f"has {MAX_SERVICES + 1} services; at most {MAX_SERVICES} services run as one"):
        stack_size.check_stack(stack(MAX_SERVICES + 1))


def test_a_kept_value_that_no_program_could_be_given_is_refused_by_name() -> None:
    stack_size.check_values({"KEPT": "x" * MAX_VALUE_BYTES})
    with pytest.raises(Invalid) as refused:
        stack_size.check_values({"KEPT": "x" * (MAX_VALUE_BYTES + 1)})
    assert refused.value.details == {"KEPT": "larger than 120 KiB"}


def test_values_that_are_too_much_together_fail_with_their_size(lane: Lane) -> None:
    graph = graph_of_images(web="nginx")
    graph["nodes"][0]["data"]["config"] |= {f"secret.KEY{number}": "x" * 32_768 for number in range(50)}
    store(lane, graph)
    failed = lane.start(lane.ask())
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.INVALID)
    assert failed.message.startswith("The values of all variables are 1.6 MiB together; at most 1.5 MiB")


def test_every_generated_command_is_within_the_bound(lane: Lane) -> None:
    lane.store_graph(web="nginx")
    lane.start(lane.ask())
    size = CommandRecord.objects.get().size
    assert size is not None
    assert 0 < size < MAX_COMMAND_BYTES
