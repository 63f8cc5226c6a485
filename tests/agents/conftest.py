"""A gateway over a real channel and a real database, and the people and machines around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from agents.models import Server
from agents.runner.control_plane.channel import OPTIONS
from agents.services import enrolment
from agents.transport.grpc_server import Gateway
from agents.transport.ports import GatewayConfig
from agents.transport.threads import DatabaseThreads
from agents.types import AgentInfo, Registration
from deployments.models import User
from tests import factories
from tests.agents.doubles import Domain, FakeAgent
from tests.passwords import quick_passwords  # noqa: F401 - a fixture


def enrol(server: Server, *, replace: bool = False) -> Registration:
    token = enrolment.create_token(server_id=server.id, owner_id=server.owner_id, replace=replace)
    return enrolment.register(token=token.token, server_id=server.id, info=AgentInfo(version="1"), new_id=uuid4())


@pytest.fixture
def registered(server: Server) -> Registration:
    return enrol(server)


@pytest.fixture
def database() -> Iterator[DatabaseThreads]:
    """Database work of asynchronous tests."""
    threads = DatabaseThreads(count=2, name="test")
    yield threads
    threads.close()


@pytest.fixture
def domain(owner: User, stranger: User) -> Domain:
    """Stands in for the deployments: keeps what it was told."""
    return Domain(users={"alice-token": owner.id, "mallory-token": stranger.id})


def config(**changes: Any) -> GatewayConfig:
    database = connection.settings_dict
    conninfo = make_conninfo(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
    )
    return GatewayConfig(
        **{"bind": "127.0.0.1:0", "conninfo": conninfo, "stop_grace": 0.2, "retention_seconds": 0.3, **changes}
    )


@pytest.fixture
async def address(transactional_db: None, domain: Domain) -> AsyncIterator[str]:
    """Where a running gateway listens."""
    gateway = Gateway(config=config(), bindings=domain.bindings())
    port = await gateway.start()
    yield f"127.0.0.1:{port}"
    await gateway.stop()


@pytest.fixture
async def channel(address: str) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        yield channel


@pytest.fixture
async def agent(channel: grpc.aio.Channel, registered: Registration) -> AsyncIterator[FakeAgent]:
    """The agent of `server`, not yet connected."""
    fake = FakeAgent(channel=channel, registered=registered)
    yield fake
    await fake.leave()


@pytest.fixture
async def clone(channel: grpc.aio.Channel, registered: Registration) -> AsyncIterator[FakeAgent]:
    """Another machine with the credential of `agent`, not yet connected."""
    fake = FakeAgent(channel=channel, registered=registered)
    yield fake
    await fake.leave()


@pytest.fixture
async def other(channel: grpc.aio.Channel, owner: User) -> AsyncIterator[FakeAgent]:
    """Another agent of the same owner, on another server."""
    registered = await asyncio.to_thread(_enrol_another, owner)
    fake = FakeAgent(channel=channel, registered=registered)
    yield fake
    await fake.leave()


def _enrol_another(owner: User) -> Registration:
    try:
        return enrol(factories.make_server(owner, name="server-2"))
    finally:
        connection.close()
