"""A real gateway with its own authority, and agents that enrol with the runner's own code, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from django.db import connection

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import PROTOCOL
from agents.models import Server
from agents.pki.tickets import format_ticket
from agents.runner.config import load_config
from agents.runner.control_plane.line import Line
from agents.services import authority, enrolment
from agents.transport.grpc_server import Gateway
from tests.agents.conftest import config
from tests.agents.doubles import Domain

SECONDS = 30.0


@dataclass
class Place:
    """Where a gateway serves; `ticket` makes a whole enrolment token for it."""

    port: int
    gateway: Gateway

    async def ticket(self, server: Server, **options: Any) -> str:
        return str(await in_thread(lambda: ticket_for(server, port=self.port, **options)))


@dataclass
class Caller:
    """An agent's line, and the session that was opened on it."""

    line: Line
    call: Any = None
    received: list[pb.ToAgent] = field(default_factory=list)

    async def enrol(self) -> Caller:
        await self.line.dial(info=lambda: pb.AgentInfo(version="t"), lanes=())
        return self

    async def connect(self, *, agent_id: str = "", metadata: tuple[tuple[str, str], ...] | None = None) -> pb.Welcome:
        """Open a session and say Hello; the Welcome. Raises AioRpcError when refused."""
        identity = await self.line.dial(info=lambda: pb.AgentInfo(version="t"), lanes=())
        self.call = self.line.stub.Session(metadata=metadata or self.line.metadata())
        hello = pb.Hello(agent_id=agent_id or identity.agent_id, version="t", protocol=PROTOCOL)
        await self.call.write(pb.FromAgent(hello=hello))
        return (await self.read()).welcome

    async def read(self) -> pb.ToAgent:
        async with asyncio.timeout(SECONDS):
            message = await self.call.read()
        if not isinstance(message, pb.ToAgent):
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(
                await self.call.code(), nothing, nothing, details=await self.call.details(), debug_error_string=""
            )
        return message

    async def until(self, wanted: Callable[[pb.ToAgent], bool]) -> pb.ToAgent:
        while not wanted(message := await self.read()):
            continue
        return message

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """How the gateway ends the session."""
        try:
            await self.until(lambda _: False)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        raise AssertionError("unreachable")


def ticket_for(server: Server, *, port: int, **options: Any) -> str:
    secret = enrolment.create_token(server_id=server.id, owner_id=server.owner_id, **options).token
    return format_ticket(secret=secret, pin=authority.pin(now=datetime.now(UTC)), address=f"127.0.0.1:{port}")


def line_of(folder: Path, token: str = "", **variables: str) -> Line:
    folder.mkdir(exist_ok=True)
    environment = {"AXION_AGENT__AGENT__STATE_DIR": str(folder), **variables}
    if token:
        environment["AXION_AGENT__AGENT__TOKEN"] = token
    return Line(load_config(path=None, environment=environment))


@asynccontextmanager
async def serving(domain: Domain, **changes: Any) -> AsyncIterator[Place]:
    """A gateway with TLS of its own authority on the first port, and mutual TLS on the second."""
    settings = {"authority_tls": True, "mutual_bind": "127.0.0.1:0", **changes}
    gateway = Gateway(config=config(**settings), bindings=domain.bindings())
    place = Place(port=await gateway.start(), gateway=gateway)
    try:
        yield place
    finally:
        await gateway.stop()


async def in_thread(work: Callable[[], Any]) -> Any:
    """Work with the database, off the event loop."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return await asyncio.to_thread(run)
