"""Deploying to a Swarm of three servers: what is proven, kept, put back and refused, as the engines tell it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.swarm.conftest import Cluster, Manned
from tests.runner.swarm.stacks import SwarmStack

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]


def test_forward_unchanged_changed_and_back(
    cluster: Cluster, man: Callable[[int], Manned], project: SwarmStack
) -> None:
    manned = man(0)
    gateway = manned.gateway
    first = project.deploy()
    gateway.send(first)
    finished = gateway.finished(first.command_id, seconds=120)
    assert finished.outcome == pb.SUCCEEDED, (finished.message, gateway.log(first.command_id))
