"""Many agents on one gateway: no statement per heartbeat, and commands for all of them at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

import grpc
import pytest
from django.db import transaction
from django.db.backends.utils import CursorWrapper

from agents import prepared
from agents.models import Agent, Server
from agents.services import enrolment
from agents.transport.threads import DatabaseThreads
from agents.types import AgentInfo, Registration
from deployments.models import User
from tests import factories
from tests.agents.doubles import FakeAgent, send

pytestmark = pytest.mark.django_db(transaction=True)

AGENTS = 200


def enrol_many(owner: User) -> list[Registration]:
    with transaction.atomic():
        servers = [factories.make_server(owner, name=f"s{number}") for number in range(AGENTS)]
        return [_enrol(server) for server in servers]


def _enrol(server: Server) -> Registration:
    token = enrolment.create_token(server_id=server.id, owner_id=server.owner_id).token
    return enrolment.register(token=token, server_id=server.id, info=AgentInfo(), new_id=uuid4())


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement of every thread, as it is executed."""
    seen: list[str] = []
    execute = CursorWrapper.execute

    def recorded(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        seen.append(str(sql))
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", recorded)
    executed = prepared._executed

    def recorded_prepared(sql: Any, parameters: Any) -> Any:
        seen.append(str(sql))
        return executed(sql, parameters)

    monkeypatch.setattr(prepared, "_executed", recorded_prepared)
    return seen


async def test_two_hundred_agents_cost_one_liveness_statement_a_second(
    address: str, owner: User, database: DatabaseThreads, statements: list[str]
) -> None:
    registered = await database.run(enrol_many, owner)
    async with grpc.aio.insecure_channel(address) as channel:
        agents = [FakeAgent(channel=channel, registered=each) for each in registered]
        began = time.monotonic()
        await asyncio.gather(*(agent.welcomed() for agent in agents))
        assert time.monotonic() - began < 15

        statements.clear()
        began = time.monotonic()
        for _ in range(6):
            await asyncio.gather(*(agent.heartbeat(containers=3) for agent in agents))
            await asyncio.sleep(0.5)
        seconds = time.monotonic() - began
        assert len([sql for sql in statements if "UPDATE agents" in sql]) <= seconds + 1
        assert len(statements) <= 2 * seconds + 2, "the liveness statement and the safety poll, nothing else"
        await asyncio.sleep(1.2)
        healthy = await database.run(Agent.objects.online().filter(health__active_containers=3).count)
        assert healthy == AGENTS

        for agent in agents:
            await database.run(send, agent_id=agent.id, lane=str(agent.id))
        commands = await asyncio.gather(*(agent.command(within=10) for agent in agents))
        assert {command.lane for command in commands} == {str(agent.id) for agent in agents}
        await asyncio.gather(*(agent.leave() for agent in agents))
