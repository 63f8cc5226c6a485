"""The gateway as its own process, killed while it serves an agent over a real broker: another one goes on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import grpc
import pytest

from agents.runner.kafka_way.settings import KafkaSettings
from agents.runner.kafka_way.stub import KafkaStub
from agents.states import CommandStatus
from agents.transport.threads import DatabaseThreads
from agents.types import Registration
from tests.agents.doubles import FakeAgent, eventually, send
from tests.agents.gateway.test_gateway_process import ROOT, database_url
from tests.agents.gateway.test_gateway_session import has_status
from tests.servers.own_kafka import OwnKafka

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[[], subprocess.Popen[bytes]]
# Of the group, until it knows that a member is gone, and of a start on a crowded machine.
PATIENCE = 90.0


@pytest.fixture
def start(transactional_db: None, own_kafka: OwnKafka, topics: None) -> Iterator[Start]:
    """What starts one more gateway of the same group."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "KAFKA_BROKERS": own_kafka.address,
        "AXION_KAFKA_AGENTS": "on",
        "AXION_KAFKA_GROUP": f"agents-{uuid4()}",
        "AXION_GATEWAY_BIND": "127.0.0.1:0",
        "AXION_GATEWAY_MUTUAL_BIND": "127.0.0.1:0",
    }
    with ExitStack() as ends:

        def begin() -> subprocess.Popen[bytes]:
            command = [sys.executable, "manage.py", "run_agent_gateway"]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
            ends.callback(process.wait)
            ends.callback(process.kill)
            return process

        yield begin


async def test_another_gateway_serves_the_agent_of_one_that_was_killed(
    start: Start, registered: Registration, database: DatabaseThreads, kafka_settings: KafkaSettings
) -> None:
    first = start()
    stub = KafkaStub(connection=kafka_settings.connection, agent_id=lambda: str(registered.agent_id))
    agent = FakeAgent(registered=registered, stub=stub)

    async def is_served() -> bool:
        try:
            await agent.welcomed()
        except grpc.aio.AioRpcError:
            await agent.leave()
            return False
        return True

    try:
        await eventually(is_served, within=PATIENCE)
        before = await database.run(send, agent_id=agent.id)
        await agent.acknowledge(await agent.command(within=30))
        await has_status(database, before, CommandStatus.ACKNOWLEDGED)
        first.kill()
        start()
        await agent.leave()
        after = await database.run(send, agent_id=agent.id)
        await eventually(is_served, within=PATIENCE)
        received = [(await agent.command(within=30)).command_id for _ in range(2)]
        # The agent said that it holds nothing: what it had comes again, under its id, and then what is new.
        assert received == [str(before.id), str(after.id)]
    finally:
        await agent.leave()
        await asyncio.to_thread(stub.close)
