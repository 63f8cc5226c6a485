"""The runner itself over a real broker: the program, its configuration, and a command from its number to its end."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from agents.runner.control_plane.identity import Identity, save_identity
from agents.states import CommandStatus
from agents.transport.grpc_server import Gateway
from agents.transport.threads import DatabaseThreads
from agents.types import CommandFinished, Registration
from axion_deploy.embedded.child import Child
from tests.agents.doubles import Domain, eventually, send
from tests.agents.gateway.test_gateway_session import status
from tests.servers.own_kafka import OwnKafka

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_command_is_worked_on_and_its_end_is_stored(
    gateway_over_kafka: Gateway,
    registered: Registration,
    database: DatabaseThreads,
    domain: Domain,
    own_kafka: OwnKafka,
    tmp_path: Path,
) -> None:
    """The stack has no service, which is a stop: proven without a container."""
    runner = _runner(tmp_path, registered, own_kafka)
    sent = await database.run(send, agent_id=registered.agent_id)
    runner.start()
    try:

        async def is_over() -> bool:
            assert runner.is_running(), runner.tail()
            return await database.run(status, sent.id) is CommandStatus.FINISHED

        await eventually(is_over, within=60)
    finally:
        runner.stop(grace=10)
    (end,) = [report.body for report in domain.applied if isinstance(report.body, CommandFinished)]
    assert end.message
    assert {report.agent_id for report in domain.applied} == {registered.agent_id}
    assert "over the platform's broker" in runner.tail()
    assert registered.credential not in (tmp_path / "runner.log").read_text()


def test_without_a_credential_it_says_what_to_do(own_kafka: OwnKafka, tmp_path: Path) -> None:
    runner = _runner(tmp_path, None, own_kafka)
    runner.start()
    try:
        _wait_for(runner, "manage.py enrol_kafka_agent")
    finally:
        runner.stop(grace=10)


def _runner(folder: Path, registered: Registration | None, kafka: OwnKafka) -> Child:
    state = folder / "state"
    state.mkdir(mode=0o700)
    if registered is not None:
        identity = Identity(
            agent_id=str(registered.agent_id),
            server_id=str(registered.server_id),
            credential=registered.credential,
            token_hash="",
        )
        save_identity(path=state / "credential.json", identity=identity)
    config = folder / "agent.toml"
    config.write_text(f'[agent]\nstate_dir = "{state}"\n\n[kafka]\nbrokers = ["{kafka.address}"]\n')
    command = [sys.executable, "-m", "agents.runner", "--config", str(config)]
    return Child(name="runner", command=command, log_file=folder / "runner.log")


def _wait_for(runner: Child, words: str) -> None:
    end = time.monotonic() + 30
    while words not in runner.tail():
        assert runner.is_running(), runner.tail()
        assert time.monotonic() < end, runner.tail()
        time.sleep(0.1)
