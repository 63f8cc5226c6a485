"""One machine that stands in two lanes of a project: the second is refused by name, and nothing is torn down."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.control_plane.identity import Identity, load_identity, save_identity
from agents.runner.errors import StepFailedError
from agents.runner.planning.claims import check_claims
from agents.runner.planning.model import Container, HostContainer, Release
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

RELEASE = Release(deployment_id="d2", project_id="p", stack="shop", files={}, services=(), lane="p@server-2")
RUNS = Container(id="c1", service="web", state="running", deployment_id="d1", lane="p@server-1")


def refusal(*observed: Container, former: tuple[str, ...] = (), **known: str) -> str:
    others = [
        HostContainer(id=each.id, state=each.state, image_id="", stack="shop", project_id="p") for each in observed
    ]
    try:
        check_claims(release=RELEASE, observed=observed, others=others, known_lanes=known, former_lanes=former)
    except StepFailedError as error:
        return error.message
    return ""


def test_what_another_lane_runs_is_not_touched() -> None:
    said = refusal(RUNS)
    assert "shop is run on this machine for another target of the project (server-1)" in said
    assert "docker compose --project-name shop down" in said


def test_what_is_free_may_be_taken() -> None:
    assert refusal() == ""
    assert refusal(replace(RUNS, lane="p@server-2")) == ""
    assert refusal(replace(RUNS, state="exited")) == ""
    assert refusal(RUNS, former=("p@server-1",)) == ""
    assert refusal(replace(RUNS, lane="")) == ""


def test_a_container_of_an_earlier_agent_is_known_by_its_deployment() -> None:
    assert "server-1" in refusal(replace(RUNS, lane=""), d1="p@server-1")
    assert refusal(replace(RUNS, lane=""), d1="p@server-2") == ""


@pytest.mark.parametrize("project", ["another", ""])
def test_a_compose_project_of_somebody_else_is_not_touched(project: str) -> None:
    other = HostContainer(id="c", state="exited", image_id="", stack="shop", project_id=project)
    with pytest.raises(StepFailedError, match="Another Compose project of this machine is called shop"):
        check_claims(release=RELEASE, observed=(), others=[other], known_lanes={}, former_lanes=())


def test_an_identity_of_an_earlier_agent_is_read(tmp_path: Path) -> None:
    path = tmp_path / "credential.json"
    path.write_text('{"agent_id": "a", "server_id": "s", "credential": "c", "token_hash": "t"}')
    known = load_identity(path)
    assert known == Identity(agent_id="a", server_id="s", credential="c", token_hash="t")
    save_identity(path=path, identity=replace(known, former_lanes=("p@s",)))
    kept = load_identity(path)
    assert kept is not None
    assert kept.former_lanes == ("p@s",)
    assert [found.name for found in tmp_path.iterdir()] == ["credential.json"]


@pytest.mark.docker
def test_a_second_lane_waits_until_the_first_is_stopped(
    agent: Agent, gateway: TestGateway, stack: Stack, containers: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    assert deploy(gateway, stack.deploy()).outcome == pb.SUCCEEDED
    before = {name: each["Id"] for name, each in containers().items()}
    for order in (stack.deploy, stack.stop):
        command = order()
        command.lane = f"{stack.project_id}@another"
        finished = deploy(gateway, command)
        assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid")
        assert "for another target" in finished.message
        assert {name: each["Id"] for name, each in containers().items()} == before
    assert deploy(gateway, stack.stop()).outcome == pb.SUCCEEDED
    command = stack.deploy()
    command.lane = f"{stack.project_id}@another"
    assert deploy(gateway, command).outcome == pb.SUCCEEDED
    assert {each["Config"]["Labels"]["axion.lane"] for each in containers().values()} == {command.lane}


@pytest.mark.docker
def test_a_project_of_compose_by_hand_with_the_same_name_is_left_alone(
    agent: Agent, gateway: TestGateway, stack: Stack, base_image: str
) -> None:
    argv = ["docker", "run", "-d", "--label", f"com.docker.compose.project={stack.name}", base_image]
    made = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    finished = deploy(gateway, stack.deploy())
    assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid")
    inspect = ["docker", "inspect", "--format", "{{.State.Running}}", made]
    assert subprocess.run(inspect, check=True, capture_output=True, text=True).stdout.strip() == "true"
