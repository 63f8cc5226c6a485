"""Bad days of the gateway: the database goes away, the domain cannot, an agent floods."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from django.db import OperationalError, connection
from psycopg.conninfo import make_conninfo

from agents import gateway
from agents.states import CommandStatus
from agents.transport.grpc_server import Gateway
from agents.transport.threads import DatabaseThreads
from agents.types import Registration
from tests.agents.conftest import config
from tests.agents.doubles import Domain, FakeAgent, eventually, send

pytestmark = pytest.mark.django_db(transaction=True)

CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)
"""


@pytest.fixture
def own_backend(transactional_db: None) -> int:
    """The test's own connection, which is to survive."""
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def cut_connections(own_backend: int) -> int:
    """What a restart of the server does to its clients."""
    with connection.cursor() as cursor:
        cursor.execute(CUT, [own_backend])
        return int(cursor.fetchone()[0])


async def test_everything_goes_on_after_the_database_dropped_its_connections(
    own_backend: int, agent: FakeAgent, domain: Domain
) -> None:
    database = DatabaseThreads(count=1, name="one")
    first = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    for round_number in (1, 2, 3):
        assert await database.run(cut_connections, own_backend) > 0
        await agent.report(command_id=first.id, deployment_id=first.deployment_id, number=round_number)
        assert await agent.stored() == round_number
    await asyncio.sleep(1.0)
    second = await database.run(send, agent_id=agent.id)
    assert (await agent.command()).command_id == str(second.id)
    assert [report.number for report in domain.applied] == [1, 2, 3]
    await asyncio.to_thread(database.close)


async def test_without_a_database_reports_wait_unacknowledged_and_in_order(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    ids: dict[str, Any] = {"command_id": sent.id, "deployment_id": sent.deployment_id}
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    domain.fails_on = OperationalError
    for number in (1, 2, 3):
        await agent.report(**ids, number=number)
    with pytest.raises(TimeoutError):
        await agent.read(within=1.5)
    domain.fails_on = None
    while await agent.stored(within=8) < 3:
        pass
    assert [report.number for report in domain.applied] == [1, 2, 3]


async def test_a_report_that_cannot_be_applied_holds_up_no_other_command(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    bad, good = [await database.run(send, agent_id=agent.id, lane=lane) for lane in ("a", "b")]
    await agent.welcomed()
    for _ in (bad, good):
        await agent.acknowledge(await agent.command())
    domain.fails_on = ZeroDivisionError
    await agent.report(command_id=bad.id, deployment_id=bad.deployment_id, number=1)
    with pytest.raises(TimeoutError):
        await agent.read(within=5)
    domain.fails_on = None
    await agent.report(command_id=bad.id, deployment_id=bad.deployment_id, number=2)
    await agent.report(command_id=good.id, deployment_id=good.deployment_id, number=1)
    message = (await agent.read()).reports_acknowledged
    assert (message.command_id, message.number) == (str(good.id), 1)
    await agent.leave()
    await agent.welcomed(unfinished=(bad.id, good.id))
    await agent.report(command_id=bad.id, deployment_id=bad.deployment_id, number=1)
    assert await agent.stored() == 1


async def test_the_poll_delivers_when_nobody_can_listen(
    transactional_db: None, registered: Registration, domain: Domain, database: DatabaseThreads
) -> None:
    deaf = Gateway(config=config(conninfo=make_conninfo(host="127.0.0.1", port=1)), bindings=domain.bindings())
    port = await deaf.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        agent = FakeAgent(channel=channel, registered=registered)
        await agent.welcomed()
        await asyncio.sleep(0.3)
        sent = await database.run(send, agent_id=agent.id)
        assert (await agent.command(within=3)).command_id == str(sent.id)
        await agent.leave()
    await deaf.stop()


async def test_slow_reports_hold_back_the_stream_and_lose_nothing(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    domain.takes_seconds = 0.002
    total = 700
    for number in range(1, total + 1):
        await agent.report(command_id=sent.id, deployment_id=sent.deployment_id, number=number)
    while await agent.stored(within=20) < total:
        pass
    assert [report.number for report in domain.applied] == list(range(1, total + 1))


async def test_a_stopping_gateway_sends_its_agents_away_and_another_takes_over(
    transactional_db: None, registered: Registration, domain: Domain, database: DatabaseThreads
) -> None:
    gateways = [Gateway(config=config(), bindings=domain.bindings()) for _ in range(2)]
    ports = [await each.start() for each in gateways]
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{ports[0]}") as first_channel,
        grpc.aio.insecure_channel(f"127.0.0.1:{ports[1]}") as second_channel,
    ):
        first = FakeAgent(channel=first_channel, registered=registered)
        second = FakeAgent(channel=second_channel, registered=registered)
        await first.welcomed()
        await second.welcomed()
        sent = await database.run(send, agent_id=first.id)
        assert (await second.command()).command_id == str(sent.id), "only the newer session is served"
        await first.heartbeat()
        assert await first.ended_with() is grpc.StatusCode.ABORTED, "the older one learns it by its next heartbeat"
        await gateways[1].stop()
        assert await second.ended_with() is grpc.StatusCode.UNAVAILABLE
        await first.welcomed()
        again = await first.command()
        assert again.command_id == str(sent.id), "what was not acknowledged is sent by the other gateway"
        await first.acknowledge(again)

        async def acknowledged() -> bool:
            found = await database.run(gateway.find, command_id=sent.id)
            return found.status is CommandStatus.ACKNOWLEDGED

        await eventually(acknowledged)
        await first.leave()
    await gateways[0].stop()
