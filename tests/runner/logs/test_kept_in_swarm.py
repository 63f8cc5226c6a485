"""Lines of a service that later deployments of a Swarm left as it was are masked with the values of what runs."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.swarm.lane_state import lane_name
from agents.runner.commands.swarm.stack_records import _packed, record_name
from agents.runner.commands.swarm.swarm_model import StackTarget
from agents.runner.errors import StepFailedError
from agents.runner.logs.in_swarm import SwarmStacks
from agents.runner.logs.values import LogMasking, Running

STACK = "voting"
RUNS = Running(deployment="d2", owners={"db": "d1", "web": "d2"})


class NoReleases:
    """The journal of a manager: what runs in the Swarm is kept there."""

    def current(self, _: str) -> str:
        return ""

    def find(self, _: str) -> None:
        return None


def masking(asked: list[str], running: Running | None) -> LogMasking:
    def values_of(deployment_id: str) -> Mapping[str, str] | None:
        asked.append(deployment_id)
        return {"PASSWORD": "correct-horse"} if deployment_id == "d2" else None

    return LogMasking(releases=NoReleases(), values_of=values_of, in_swarm=lambda _: running)  # type: ignore[arg-type]


def test_what_was_left_alone_has_the_values_of_what_was_proven_last() -> None:
    asked: list[str] = []
    mine = masking(asked, RUNS)
    assert mine.learn(stack=STACK, service="db", deployment_id="d1")
    assert mine.learn(stack=STACK, service="web", deployment_id="d2")
    assert (asked, mine.masker.mask("correct-horse")) == (["d2"], "***")
    # A container of a former file that still ends is not of what runs.
    assert not mine.learn(stack=STACK, service="web", deployment_id="d1")


def test_where_nothing_is_known_the_containers_own_deployment_is_asked_for() -> None:
    asked: list[str] = []
    assert not masking(asked, None).learn(stack=STACK, service="db", deployment_id="d1")
    assert asked == ["d1"]


def kept(name: str, data: bytes = b"x", labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    spec = {"Name": name, "Labels": dict(labels or {}), "Data": base64.b64encode(data).decode()}
    return {"ID": name, "Version": {"Index": 1}, "Spec": spec}


@pytest.mark.parametrize("current", ["d2", ""])
def test_what_runs_is_read_from_the_swarm(current: str) -> None:
    command = pb.Command(deployment_id="d2", deploy=pb.Deploy(stack_name=STACK, engine="swarm"))
    target = StackTarget(services=(), owners=RUNS.owners, images={})
    state = {"axion.state": json.dumps({"current": current})}
    configs = [kept(lane_name(STACK), labels=state), kept(record_name("d2"), _packed(command, target))]
    api = SimpleNamespace(configs=lambda filters: [each for each in configs if filters["name"] in each["ID"]])
    stacks = SwarmStacks(swarm=SimpleNamespace(ask=lambda call: call(api)))  # type: ignore[arg-type]
    assert stacks.running(STACK) == (RUNS if current else None)


def test_an_engine_that_manages_no_swarm_knows_nothing() -> None:
    def refuse(_: object) -> None:
        raise StepFailedError("swarm", "This node is not a swarm manager.")

    assert SwarmStacks(swarm=SimpleNamespace(ask=refuse)).running(STACK) is None  # type: ignore[arg-type]
