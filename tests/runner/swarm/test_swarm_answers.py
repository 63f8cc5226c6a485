"""What a manager's answers mean when its Swarm is not as it was, and what is handed over a second time."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError

from agents.runner.commands.swarm.manager_api import ManagerApi, _told
from agents.runner.commands.swarm.registry_wait import waited_for_registry
from agents.runner.commands.swarm.stack_apply import MAX_OUT_OF_SEQUENCE, _hand_over, _is_overwritten
from agents.runner.commands.swarm.stack_file import stack_document
from agents.runner.commands.swarm.swarm_model import LABEL_AGAIN, Seen, StackTarget, SwarmService
from agents.runner.docker.processes import Ending
from agents.runner.errors import NoLeaderError, StepFailedError
from agents.runner.planning.codec import release_of
from tests.runner.swarm.stacks import SwarmStack

PREPARED = "This node is not a swarm manager. Manager is being prepared or has trouble connecting to the cluster."
WORKER = (
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this "
    "command on a manager node or promote the current node to a manager."
)
LEADERLESS = "rpc error: code = Unknown desc = The swarm does not have a leader."


@pytest.mark.parametrize(
    ("said", "error"),
    [(PREPARED, NoLeaderError), (LEADERLESS, NoLeaderError), (WORKER, StepFailedError)],
    ids=["its engine has just started", "without a leader", "a worker by now"],
)
def test_a_manager_that_joins_again_is_waited_for_and_a_worker_is_not(said: str, error: type[Exception]) -> None:
    answer = requests.Response()
    answer.status_code = 503

    def call(_: Any) -> None:
        raise APIError(said, response=answer, explanation=said)

    with pytest.raises(error, match="swarm"):
        _told(call, None)


def test_an_engine_that_joins_its_swarm_again_is_waited_for() -> None:
    states = iter(["pending", "pending", "active"])
    said: list[str] = []
    pauses: list[float] = []

    class Work:
        """Docker's own answers, one after the other."""

        host = SimpleNamespace(
            order=lambda _: {"Swarm": {"LocalNodeState": next(states), "ControlAvailable": True, "NodeID": "n1"}}
        )
        reporter = SimpleNamespace(log=lambda *, source, text: said.append(text), wait_for=lambda _: None)
        interrupt = SimpleNamespace(pause=pauses.append)

    assert ManagerApi(Work()).node_id() == "n1"  # type: ignore[arg-type]
    assert len(pauses) == 2
    assert len(said) == 1, "told once"


def test_what_is_handed_over_again_differs_in_a_label_of_services_alone() -> None:
    """Else Swarm takes it for the definition that it works towards already, and would replace tasks for more."""
    stack = SwarmStack(name="shop", project_id="p1", image="web:1", nodes={"web": {}, "side": {}})
    release = release_of(stack.deploy())
    owners = {service.name: release.deployment_id for service in release.services}
    images = {service.name: "sha256:" + "a" * 64 for service in release.services}
    target = StackTarget(services=release.services, owners=owners, images=images)
    first = stack_document(release=release, target=target, number=7)
    again = stack_document(release=release, target=target, number=7, again=2)
    assert again != first
    for service in again["services"].values():
        assert service["deploy"]["labels"].pop(LABEL_AGAIN) == "2"
    assert again == first


HAS_IT = ("sha256:" + "b" * 64, "")
AWAY = ("", "dial tcp 10.0.0.9:5000: connect: connection refused")


@pytest.mark.parametrize(
    ("answers", "first", "again"),
    [
        ([AWAY, AWAY, HAS_IT], False, True),
        ([HAS_IT], True, True),
        ([HAS_IT], False, False),
        ([("", "manifest unknown")], True, False),
    ],
    ids=["it was away", "it was back a moment later", "it was there both times", "it has no such image"],
)
def test_when_nodes_shall_pull_again(answers: list[tuple[str, str]], first: bool, again: bool) -> None:
    left = iter(answers)

    class Work:
        """Without a login; time stands still."""

        logins = ()
        registries = SimpleNamespace(patience=60)
        reporter = SimpleNamespace(log=lambda **_: None, wait_for=lambda _: None)
        interrupt = SimpleNamespace(pause=lambda _: None)
        clock = staticmethod(lambda: 0.0)

    api = SimpleNamespace(registry_digest=lambda _, login: next(left))
    lane = SimpleNamespace(check=lambda: None)
    image = f"10.0.0.9:5000/team/web@{HAS_IT[0]}"
    assert waited_for_registry(work=Work(), api=api, lane=lane, service="web", image=image, first=first) is again  # type: ignore[arg-type]


UNREADABLE = "failed to update service shop_web: Error response from daemon: update out of sequence"


@pytest.mark.parametrize(
    ("said", "tries", "raised"),
    [
        ([(UNREADABLE,), ()], 2, None),
        ([(UNREADABLE,)] * MAX_OUT_OF_SEQUENCE, MAX_OUT_OF_SEQUENCE, "out of sequence"),
        ([("invalid mount config",)], 1, "invalid mount config"),
    ],
    ids=["changed meanwhile", "each time", "refused"],
)
def test_what_changed_while_it_was_handed_over_is_handed_over_again(
    said: list[tuple[str, ...]], tries: int, raised: str | None, tmp_path: Path
) -> None:
    left = iter(said)
    checks: list[int] = []

    def stack_deploy(**_: Any) -> tuple[Ending, tuple[str, ...]]:
        tail = next(left)
        return Ending(code=1 if tail else 0, late=False), tail

    signed: Any = SimpleNamespace(
        vault=SimpleNamespace(values=lambda **_: {}),
        interrupt=SimpleNamespace(pause=lambda _: None),
        commands=SimpleNamespace(stack_deploy=stack_deploy),
    )
    swarm: Any = SimpleNamespace(lane=SimpleNamespace(check=lambda: checks.append(1)))
    expected = pytest.raises(StepFailedError, match=raised) if raised else contextlib.nullcontext()
    with expected:
        _hand_over(swarm, signed, SimpleNamespace(stack="shop"), tmp_path)  # type: ignore[arg-type]
    # Each time it is asked first who holds the lane.
    assert len(checks) == tries


def test_an_older_number_on_a_service_tells_of_who_came_late() -> None:
    ours: Any = SimpleNamespace(number=7)
    web = SwarmService(id="s1", name="web", full_name="shop_web", image="web:1", number=7)
    assert not _is_overwritten(ours, Seen(services=(web,), tasks=(), nodes={}))
    late = replace(web, id="s2", number=6)
    assert _is_overwritten(ours, Seen(services=(web, late), tasks=(), nodes={}))
