"""A cancelled build ends inside the engine, with every process of it; a neighbour's build on the host goes on."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.processes import marked
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker


def working(token: str) -> list[int]:
    """Processes of the host, those inside of builds among them, that say this token in their command line."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        if any(token in word for word in process.info["cmdline"] or ()):
            found.append(process.info["pid"])
    return found


def until(condition: Any, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.1)


def stubborn_build(*, base: str, token: str, seconds: int) -> str:
    """A step that takes no hint to end, and its child neither."""
    child = f"trap '' TERM; sleep {seconds}; echo child {token}"
    step = f"trap '' TERM; sh -c \"{child}\" & sleep {seconds}; echo {token}; wait"
    return f"FROM {base}\nRUN {step}\n"


def test_a_cancelled_build_is_over_in_the_engine_and_the_neighbours_is_not(
    agent: Agent, gateway: TestGateway, stack: Stack, base_image: str, tmp_path: Path
) -> None:
    mine, theirs = (uuid4().hex for _ in range(2))
    context = tmp_path / "neighbour"
    context.mkdir()
    (context / "Dockerfile").write_text(stubborn_build(base=base_image, token=theirs, seconds=8))
    argv = ["docker", "buildx", "build", "--progress", "plain", "--provenance=false", str(context)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as neighbour:
        bundle = gateway.add_bundle({"Dockerfile": stubborn_build(base=base_image, token=mine, seconds=300)})
        command = stack.with_service("web", image=f"axion/{stack.name}-web:1", bundle=bundle).deploy()
        gateway.send(command)
        until(lambda: len(working(mine)) >= 2 and len(working(theirs)) >= 2)
        reverted = deploy(gateway, stack.revert(command))
        assert (reverted.outcome, gateway.finished(command.command_id).reason) == (pb.RESTORED, "cancelled")
        assert working(mine) == []
        assert marked(f"{agent.state_dir}:") == []
        said, _ = neighbour.communicate(timeout=60)
        assert neighbour.returncode == 0, said
        assert f"child {theirs}" in said
