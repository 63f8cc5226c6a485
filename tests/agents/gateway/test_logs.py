"""Whoever looks at what containers write reaches the gateway that has the agent; the agent's lines reach who looks."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from django.db import connection

from agents import gateway
from agents.contracts import runner_pb2 as pb
from agents.contracts.runner_pb2_grpc import RunnerAgentServiceStub
from agents.contracts.version import LOGS_PROTOCOL
from agents.reports.log_lines import LogReader, LogRequest
from agents.runner.control_plane.channel import OPTIONS
from agents.transport.grpc_server import Gateway
from agents.transport.intake import log_intake
from agents.transport.threads import DatabaseThreads
from agents.types import CommandData
from tests.agents.conftest import config
from tests.agents.doubles import Domain, FakeAgent, send


def announce(agent_id: UUID, request_id: UUID) -> None:
    try:
        gateway.announce_log_request(agent_id=agent_id, request_id=request_id)
    finally:
        connection.close()


@pytest.fixture
def request_id(domain: Domain) -> UUID:
    wish = LogRequest(request_id=uuid4(), project_id=uuid4(), lane="lane", services=("web",), search="x", follow=True)
    domain.log_requests[wish.request_id] = wish
    return wish.request_id


async def asked(agent: FakeAgent, request_id: UUID, threads: DatabaseThreads) -> pb.ReadLogs:
    # Nothing is stored, so what comes before the gateway listens is lost: the reader's deadline tells it.
    await asyncio.sleep(0.3)
    await threads.run(announce, agent.id, request_id)
    message = await agent.read()
    assert message.WhichOneof("message") == "read_logs"
    return message.read_logs


def answer(agent: FakeAgent, channel: grpc.aio.Channel) -> Any:
    stub: Any = RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]  # generated
    return stub.StreamLogs(metadata=agent.metadata)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_request_goes_down_and_lines_come_up(
    agent: FakeAgent, domain: Domain, database: DatabaseThreads, channel: grpc.aio.Channel, request_id: UUID
) -> None:
    await agent.welcomed(protocol=LOGS_PROTOCOL)
    order = await asked(agent, request_id, database)
    assert (order.request_id, list(order.services), order.search, order.follow) == (str(request_id), ["web"], "x", True)
    call = answer(agent, channel)
    line = pb.ContainerLine(at_ns=5, service_name="web", container_name="c", text="a" * 100_000)
    await call.write(pb.LogBatch(request_id=str(request_id)))
    await call.write(pb.LogBatch(lines=[line], left_out=3, remarks=["one"]))
    await until(lambda: len(domain.log_batches) == 2)
    told = domain.log_batches[-1]
    assert (told.left_out, told.remarks, told.lines[0].service) == (3, ("one",), "web")
    assert len(told.lines[0].text) < 40_000
    await call.done_writing()
    await call
    assert domain.log_batches[-1].over


async def test_an_agent_that_is_too_old_is_not_asked(
    agent: FakeAgent, domain: Domain, database: DatabaseThreads, request_id: UUID
) -> None:
    await agent.welcomed(protocol=LOGS_PROTOCOL - 1)
    await asyncio.sleep(0.3)
    await database.run(announce, agent.id, request_id)
    await until(lambda: domain.log_batches)
    assert domain.log_batches[0].over
    assert "too old" in domain.log_batches[0].remarks[0]


async def test_the_call_ends_when_nobody_reads_and_waits_while_somebody_is_behind(
    agent: FakeAgent,
    domain: Domain,
    database: DatabaseThreads,
    channel: grpc.aio.Channel,
    request_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_intake, "LOOK_SECONDS", 0.1)
    await agent.welcomed(protocol=LOGS_PROTOCOL)
    await asked(agent, request_id, database)
    call = answer(agent, channel)
    domain.log_reader = LogReader.IS_BEHIND
    for _ in range(3):
        await call.write(pb.LogBatch(request_id=str(request_id)))
    await asyncio.sleep(0.4)
    assert len(domain.log_batches) == 1
    domain.log_reader = LogReader.READS
    await until(lambda: len(domain.log_batches) == 3)
    # The reader dies; nothing is written any more, and the call ends all the same.
    domain.log_requests.clear()
    async with asyncio.timeout(5):
        await call


async def test_lines_for_nobody_and_for_no_request_are_refused(
    agent: FakeAgent, domain: Domain, channel: grpc.aio.Channel
) -> None:
    call = answer(agent, channel)
    await call.write(pb.LogBatch(request_id="none"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    call = answer(agent, channel)
    await call.write(pb.LogBatch(request_id=str(uuid4()), remarks=["nobody asked"]))
    await call
    assert domain.log_batches == []


async def test_nobody_but_an_agent_may_answer(channel: grpc.aio.Channel, domain: Domain, request_id: UUID) -> None:
    stub: Any = RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]  # generated
    for credential in ("nobody", "alice-token"):
        call = stub.StreamLogs(metadata=(("authorization", f"Bearer {credential}"),))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.write(pb.LogBatch(request_id=str(request_id), remarks=["mine"]))
            await call
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert domain.log_batches == []


async def test_of_two_gateways_the_one_with_the_agent_asks(
    agent: FakeAgent, domain: Domain, database: DatabaseThreads, request_id: UUID
) -> None:
    other = Gateway(config=config(), bindings=domain.bindings())
    port = await other.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as line:
        moved = FakeAgent(channel=line, registered=agent.registered)
        await agent.welcomed(protocol=LOGS_PROTOCOL)
        # It jumps to the other one; what it was asked over the old line counts no longer.
        await moved.welcomed(protocol=LOGS_PROTOCOL)
        order = await asked(moved, request_id, database)
        assert order.request_id == str(request_id)
        # The answer may come in anywhere.
        call = answer(agent, line)
        await call.write(pb.LogBatch(request_id=str(request_id), remarks=["here"]))
        await until(lambda: domain.log_batches)
        await moved.leave()
    await other.stop()


async def test_lines_that_nobody_takes_delay_no_report(
    agent: FakeAgent, domain: Domain, database: DatabaseThreads, channel: grpc.aio.Channel, request_id: UUID
) -> None:
    await agent.welcomed(protocol=LOGS_PROTOCOL)
    await asked(agent, request_id, database)
    domain.log_reader = LogReader.IS_BEHIND
    batch = pb.LogBatch(
        request_id=str(request_id),
        lines=[pb.ContainerLine(at_ns=1, service_name="web", text="x" * 500) for _ in range(200)],
    )
    floods = [asyncio.ensure_future(pour(answer(agent, channel), batch)) for _ in range(4)]
    await until(lambda: len(domain.log_batches) == 4)
    command = await database.run(queued, agent.id)
    assert (await agent.command()).command_id == str(command.id)
    began = asyncio.get_running_loop().time()
    for number in range(1, 51):
        await agent.report(command_id=command.id, deployment_id=command.deployment_id, number=number)
    while await agent.stored() < 50:
        pass
    assert asyncio.get_running_loop().time() - began < 3
    assert len(domain.log_batches) == 4
    for flood in floods:
        flood.cancel()


async def pour(call: Any, batch: pb.LogBatch) -> None:
    """Write as fast as the line takes it."""
    while True:
        await call.write(batch)


def queued(agent_id: UUID) -> CommandData:
    try:
        return send(agent_id=agent_id)
    finally:
        connection.close()
