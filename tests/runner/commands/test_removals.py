"""A container that Docker still removes when Compose comes to it is waited for: it tells nothing about the stack."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.outages import MAX_REMOVALS
from tests.runner.commands.test_deploy import Containers, deploy, deployment_of
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
MARKED = "Error response from daemon: container is marked for removal and cannot be started"
UNDER_WAY = "Error response from daemon: removal of container 0123456789ab is already in progress"
GONE = "Error response from daemon: No such container: 0123456789ab"
ANOTHER = "Error response from daemon: driver failed programming external connectivity"
# In front of Docker's own program: `up` fails in the engine's words for as many times as the file says.
PROGRAM = """#!/bin/sh
case "$*" in
*" up "*)
    left=$(cat "{folder}/left")
    if [ "$left" -gt 0 ]; then
        echo $((left - 1)) > "{folder}/left"
        echo "$(cat "{folder}/words")" >&2
        exit 1
    fi;;
esac
exec {docker} "$@"
"""
Refuse = Callable[[str, int], None]


@pytest.fixture
def refuse(tmp_path: Path) -> Refuse:
    """Have Compose meet these words so many times from now on."""

    def set_up(words: str, times: int) -> None:
        (tmp_path / "words").write_text(words)
        (tmp_path / "left").write_text(str(times))

    set_up("", 0)
    return set_up


@pytest.fixture
def agent(gateway: TestGateway, tmp_path: Path, refuse: Refuse) -> Iterator[Agent]:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(PROGRAM.format(folder=tmp_path, docker=shutil.which("docker")))
    (folder / "docker").chmod(0o755)
    started = Agent(state_dir=tmp_path / "state", port=gateway.port)
    started.start(PATH=f"{folder}:{os.environ['PATH']}")
    yield started
    started.terminate()


@pytest.mark.parametrize("words", [MARKED, UNDER_WAY, GONE], ids=["marked", "under way", "gone"])
def test_a_removal_under_way_is_waited_for(
    agent: Agent, gateway: TestGateway, stack: Stack, refuse: Refuse, words: str
) -> None:
    refuse(words, 1)
    command = stack.deploy()
    assert deploy(gateway, command).outcome == pb.SUCCEEDED
    assert "Docker was still removing a container" in gateway.log(command.command_id)


def test_a_removal_that_never_ends_fails_the_deployment_with_the_engine_s_words(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Containers, refuse: Refuse
) -> None:
    first = stack.deploy()
    assert deploy(gateway, first).outcome == pb.SUCCEEDED
    refuse(MARKED, MAX_REMOVALS)
    finished = deploy(gateway, stack.with_service("web", version="2").deploy())
    assert (finished.outcome, finished.reason) == (pb.RESTORED, "apply"), finished
    assert "marked for removal" in finished.message
    assert {deployment_of(each) for each in containers().values()} == {first.deployment_id}


def test_what_else_docker_would_not_do_fails_at_once(
    agent: Agent, gateway: TestGateway, stack: Stack, refuse: Refuse
) -> None:
    refuse(ANOTHER, 1)
    finished = deploy(gateway, stack.deploy())
    assert (finished.outcome, finished.reason) == (pb.RESTORED, "apply"), finished
