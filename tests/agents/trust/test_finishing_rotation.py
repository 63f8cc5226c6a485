"""The former authority ends: what was opened with its certificates ends at once, whoever came with a new one stays.

Most agents here are the runner's own sessions with no host behind them, on two gateways of one control plane.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import grpc
import pytest
from django.core.management import CommandError, call_command

from agents.admin.hints import certificate_sentence
from agents.contracts import runner_pb2 as pb
from agents.models import Agent, AgentCertificate, Server
from agents.pki.agent_keys import certificate_request, make_private_key
from agents.runner.config import load_config
from agents.runner.control_plane import renewal
from agents.runner.session import Session
from agents.services import authority
from agents.transport.trust import renewals
from deployments.models import User
from tests import factories
from tests.agents.doubles import Domain
from tests.agents.trust.conftest import Make
from tests.agents.trust.stage import SECONDS, Caller, Place, in_thread, serving
from tests.bench.sessions import Taking, hostless_session

PER_GATEWAY = 5
OK, UNAUTHENTICATED = grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "SPREAD_SECONDS", 0.2)
    monkeypatch.setattr(renewals, "MOVE_SECONDS", 0.5)


@pytest.fixture
async def places(transactional_db: None, domain: Domain) -> AsyncIterator[list[Place]]:
    """Two gateways of one control plane."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(domain)) for _ in range(2)]


@pytest.fixture
async def sessions(places: list[Place], owner: User, tmp_path: Path) -> AsyncIterator[list[Session]]:
    """Real sessions, as many on each gateway, all connected."""
    found, tasks = [], []
    for number in range(2 * PER_GATEWAY):
        server = await in_thread(partial(factories.make_server, owner, name=f"many-{number}"))
        folder = tmp_path / f"many-{number}"
        folder.mkdir()
        environment = {
            "AXION_AGENT__AGENT__STATE_DIR": str(folder),
            "AXION_AGENT__AGENT__TOKEN": await places[number % 2].ticket(server),
        }
        found.append(hostless_session(load_config(path=None, environment=environment), dispatcher=Taking()))
        tasks.append(asyncio.create_task(found[-1].run()))
    await until(lambda: all_connected(found))
    yield found
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for session in found:
        session._journal.store.close()
        await session._line.close()


@pytest.fixture
async def deaf(places: list[Place], owner: User, make: Make) -> list[Caller]:
    """One agent on each gateway that is connected and never renews anything."""
    callers = []
    for number, place in enumerate(places):
        server = await in_thread(partial(factories.make_server, owner, name=f"deaf-{number}"))
        callers.append(await make(f"deaf-{number}", await place.ticket(server)).enrol())
        await callers[-1].connect()
    return callers


async def all_connected(sessions: list[Session]) -> bool:
    return all(session.is_connected for session in sessions)


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(2 * SECONDS):
        while not await met():
            await asyncio.sleep(0.05)


def open_sessions(places: list[Place]) -> set[UUID]:
    return {session.session_id for place in places for session in place.gateway._registry.sessions()}


async def code_of(call: grpc.aio.UnaryUnaryCall[pb.HeartbeatRequest, pb.HeartbeatResponse]) -> grpc.StatusCode:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_finishing_ends_the_retired_on_every_gateway_and_nobody_else(
    quickly: None, places: list[Place], sessions: list[Session], deaf: list[Caller]
) -> None:
    await in_thread(lambda: call_command("rotate_authority"))

    async def only_the_deaf_are_left() -> bool:
        left: tuple[tuple[UUID, ...], int] = await in_thread(authority.not_renewed)
        return left == (await servers_of(deaf), len(deaf))

    await until(only_the_deaf_are_left)
    await until(lambda: all_connected(sessions))
    with pytest.raises(CommandError, match=r"2 agents have not connected .* yet: deaf-0, deaf-1"):
        await in_thread(lambda: call_command("rotate_authority", finish=True))
    beats = [(caller.line.stub, caller.line.metadata()) for caller in deaf]
    for stub, metadata in beats:  # trusted for some seconds without asking: that ends, too
        assert await code_of(stub.Heartbeat(pb.HeartbeatRequest(), metadata=metadata, timeout=SECONDS)) is OK
    streams = [stub.StreamMetrics(metadata=metadata, timeout=2 * SECONDS) for stub, metadata in beats]
    for stream in streams:
        await stream.write(pb.SendMetricsRequest())
    moved = open_sessions(places)
    await in_thread(lambda: call_command("rotate_authority", finish=True, force=True))
    for caller, stream in zip(deaf, streams, strict=True):
        assert await caller.end() == (UNAUTHENTICATED, "The agent's certificate is trusted no more.")
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stream
        assert error.value.code() is UNAUTHENTICATED
    # On the connection that was opened while its certificate was good.
    for stub, metadata in beats:
        beat = stub.Heartbeat(pb.HeartbeatRequest(), metadata=metadata, timeout=SECONDS)
        assert await code_of(beat) in (UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE)
    still = open_sessions(places)
    assert len(still) == len(sessions)
    assert still < moved
    assert await all_connected(sessions)


async def servers_of(callers: list[Caller]) -> tuple[UUID, ...]:
    return tuple(sorted(UUID(each.line.identity.server_id) for each in callers if each.line.identity))


async def test_what_was_made_and_never_received_counts_for_nothing(
    place: Place, caller: Caller, server: Server
) -> None:
    await caller.connect()
    await in_thread(lambda: call_command("rotate_authority"))
    agent = await in_thread(Agent.objects.get)
    # As if the answer had been lost on its way.
    request = certificate_request(make_private_key())
    await in_thread(lambda: authority.renew(agent_id=agent.id, request=request, now=datetime.now(UTC)))
    assert await in_thread(authority.not_renewed) == ((server.pk,), 1)
    present = await in_thread(lambda: authority.certificate_of(agent_id=agent.id))
    assert present is not None
    came_with = await in_thread(AgentCertificate.objects.filter(presented_at__isnull=False).get)
    assert present.serial == came_with.serial
    # Whenever it comes back with the former one it is asked again.
    await caller.connect()
    assert await caller.until(lambda message: message.HasField("renew_certificate"))


async def test_the_page_says_that_the_authority_was_replaced(place: Place, caller: Caller) -> None:
    await caller.connect()
    agent = await in_thread(Agent.objects.get)
    await in_thread(lambda: call_command("rotate_authority"))
    await in_thread(lambda: call_command("rotate_authority", finish=True, force=True))
    present = await in_thread(lambda: authority.certificate_of(agent_id=agent.id))
    said = certificate_sentence(present, now=datetime.now(UTC))
    assert said.startswith("Signed by an authority that was replaced, so the agent is not let in. Make a new enrolment")
