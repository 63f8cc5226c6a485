"""The conversation with the gateway: enrolment, heartbeats, acknowledgements, reports that are never lost."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import CREDENTIAL, TOKEN, TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker
Starts = Callable[[], dict[str, int]]


def test_it_enrols_once_and_keeps_its_credential_to_itself(agent: Agent, gateway: TestGateway) -> None:
    gateway.until(lambda: len(gateway.heartbeats) >= 2, what="heartbeats")
    agent.terminate()
    agent.start()
    gateway.until(lambda: len(gateway.hellos) == 2, what="the second session")
    path = agent.state_dir / "credential.json"
    assert json.loads(path.read_text())["credential"] == CREDENTIAL
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.agent_token for each in gateway.registrations] == [TOKEN]
    assert TOKEN not in path.read_text() + agent.log()
    assert CREDENTIAL not in agent.log()
    assert gateway.hellos[0].instance_id != gateway.hellos[1].instance_id
    assert dict(gateway.hellos[0].commands) == {
        "deploy": 10,
        "revert": 1,
        "delete_volume": 1,
        "swarm": 1,
        "check_reach": 1,
        "inspect_host": 1,
        "check_registry": 1,
        "build": 1,
    }


def test_heartbeats_carry_real_figures(agent: Agent, gateway: TestGateway) -> None:
    beat = gateway.until(lambda: gateway.heartbeats[1:], what="heartbeats")[0]
    used = psutil.virtual_memory().total - psutil.virtual_memory().available
    assert beat.health.memory_usage == pytest.approx(used, rel=0.2)
    assert beat.health.disk_usage == pytest.approx(psutil.disk_usage(str(agent.state_dir)).used, rel=0.05)
    assert 0 <= beat.health.cpu_usage <= 100
    assert beat.agent_id == "agent-1"


def test_at_rest_it_stays_small(agent: Agent, gateway: TestGateway) -> None:
    gateway.until(lambda: len(gateway.heartbeats) >= 3, what="heartbeats")
    assert agent.process is not None
    assert psutil.Process(agent.process.pid).memory_info().rss < 80 * 1024 * 1024


def test_a_repeated_command_is_answered_from_the_journal(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts
) -> None:
    command = stack.deploy()
    deploy(gateway, command)
    told = len(gateway.reports[command.command_id])
    gateway.send(command)
    gateway.until(lambda: len(gateway.acknowledged(command.command_id)) == 2, what="the second acknowledgement")
    assert all(each.accepted for each in gateway.acknowledged(command.command_id))
    assert len(gateway.reports[command.command_id]) == told
    assert starts() == {"d1 db": 1, "d1 web": 1, "d1 worker": 1}


def test_an_overtaken_command_is_refused(agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts) -> None:
    old, new = stack.deploy(), stack.deploy()
    deploy(gateway, new)
    gateway.send(old)
    refused = gateway.until(lambda: gateway.acknowledged(old.command_id), what="the refusal")[0]
    assert (refused.accepted, refused.refusal) == (False, "stale_number")
    assert set(starts()) == {"d2 db", "d2 web", "d2 worker"}


def test_an_unknown_kind_is_refused(agent: Agent, gateway: TestGateway) -> None:
    gateway.send(pb.Command(command_id="c", lane="l", number=1, deployment_id="d"))
    refused = gateway.until(lambda: gateway.acknowledged("c"), what="the refusal")[0]
    assert (refused.accepted, refused.refusal) == (False, "unknown_kind")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": {"docker-compose.yml": "{}", "../evil": "x"}}, "leaves the release's folder"),
        ({"files": {"docker-compose.yml": "{}", "axion.compose.json/x": "x"}}, "which is a file itself"),
        ({"files": {}}, "has no docker-compose.yml"),
        ({"variable_names": ["DOCKER_HOST"]}, "is reserved"),
    ],
)
def test_an_order_that_would_leave_its_place_is_invalid(
    agent: Agent, gateway: TestGateway, stack: Stack, change: dict[str, Any], said: str
) -> None:
    command = stack.deploy()
    if "files" in change:
        command.deploy.files.clear()
    command.deploy.MergeFrom(pb.Deploy(**change))
    finished = deploy(gateway, command)
    assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid")
    assert said in finished.message


def test_reports_survive_an_outage_of_the_gateway(
    agent: Agent, gateway: TestGateway, stack: Stack, starts: Starts
) -> None:
    command = stack.deploy()
    gateway.send(command)
    # Whoever looks late sees it run already.
    gateway.until(
        lambda: any(gateway.observed(command.command_id, "db", state) for state in ("starting", "running")), what="db"
    )
    gateway.stop()
    time.sleep(2)
    gateway.start()
    assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED
    told = [report.number for report in gateway.reports[command.command_id]]
    assert told == list(range(1, len(told) + 1))
    assert starts() == {"d1 db": 1, "d1 web": 1, "d1 worker": 1}


def test_a_report_that_was_not_stored_is_sent_again(agent: Agent, gateway: TestGateway, stack: Stack) -> None:
    gateway.lose = {2, 5}
    command = stack.deploy()
    assert deploy(gateway, command).outcome == pb.SUCCEEDED
    assert gateway.received.count((command.command_id, 2)) >= 2
    told = [report.number for report in gateway.reports[command.command_id]]
    assert told == list(range(1, len(told) + 1))
