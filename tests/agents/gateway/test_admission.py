"""Who is read at all at the gateway, how much of it, and how often."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import grpc
import pytest

from agents.contracts import common_pb2, runner_pb2, runner_pb2_grpc
from agents.errors import Unauthenticated
from agents.limits import KIB, MAX_CALL_BYTES, MAX_RECEIVED_BYTES
from agents.services import enrolment
from agents.token_bucket import TokenBucket, TokenBuckets
from agents.transport import admission, callers, stream
from tests.agents.doubles import Domain, FakeAgent

pytestmark = pytest.mark.django_db(transaction=True)

SERVICE = "/axion.runner.RunnerAgentService"
WRONG = (("authorization", "Bearer axa_wrong"),)
ALICE = (("authorization", "Bearer alice-token"),)


def stub_of(channel: grpc.aio.Channel) -> Any:
    return runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]


def raw(channel: grpc.aio.Channel) -> Any:
    """The channel for calls by name, of bytes or of nothing."""
    return channel


async def refusal_of(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every credential that the database was asked about."""
    seen: list[str] = []
    real = enrolment.authenticate

    def authenticate(*, credential: str, serial: str = "") -> Any:
        seen.append(credential)
        return real(credential=credential)

    monkeypatch.setattr(enrolment, "authenticate", authenticate)
    return seen


async def test_wrong_credentials_are_refused_before_the_database_and_keep_no_agent_out(
    channel: grpc.aio.Channel, agent: FakeAgent, asked: list[str]
) -> None:
    stub = stub_of(channel)
    beat = runner_pb2.HeartbeatRequest()
    await stub.Heartbeat(beat, metadata=agent.metadata)
    wrong = [refusal_of(stub.Heartbeat(beat, metadata=(("authorization", f"Bearer {n}"),))) for n in range(200)]
    codes = [error.code() for error in await asyncio.gather(*wrong)]
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) >= 100
    assert len(asked) <= 1 + callers.FAILURES + callers.MAX_UNKNOWN + 20
    told = await refusal_of(stub.Heartbeat(beat, metadata=WRONG))
    assert "Too many wrong credentials from this address. Try again in" in str(told.details())
    await agent.welcomed()
    await stub.Heartbeat(beat, metadata=agent.metadata)


async def test_few_threads_look_for_who_is_not_known(
    channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others go on storing reports."""
    lock, now, most = threading.Lock(), 0, 0

    def authenticate(*, credential: str, serial: str = "") -> Any:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        raise Unauthenticated

    monkeypatch.setattr(enrolment, "authenticate", authenticate)
    stub = stub_of(channel)
    beat = runner_pb2.HeartbeatRequest()
    wrong = [refusal_of(stub.Heartbeat(beat, metadata=(("authorization", f"Bearer {n}"),))) for n in range(40)]
    await asyncio.gather(*wrong)
    assert 1 < most <= callers.MAX_UNKNOWN


async def test_a_missing_credential_costs_no_question(channel: grpc.aio.Channel, asked: list[str]) -> None:
    refused = await refusal_of(stub_of(channel).Heartbeat(runner_pb2.HeartbeatRequest()))
    assert refused.code() is grpc.StatusCode.UNAUTHENTICATED
    assert asked == []


async def test_each_call_takes_no_more_than_its_bound(channel: grpc.aio.Channel, agent: FakeAgent) -> None:
    stub = stub_of(channel)
    large = runner_pb2.HeartbeatRequest(agent_id="x" * (MAX_CALL_BYTES + KIB))
    refused = await refusal_of(stub.Heartbeat(large, metadata=agent.metadata))
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refused.details() == "The message is 65 KiB; Heartbeat takes at most 64 KiB."
    token = runner_pb2.RegisterAgentRequest(agent_token="x" * (MAX_CALL_BYTES + KIB))
    assert (await refusal_of(stub.RegisterAgent(token))).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    # A stack file from outside is not read, but it may be sent.
    yml = runner_pb2.DeployProjectCommand(docker_stack_yml="x" * (MAX_RECEIVED_BYTES - KIB))
    assert (await stub.DeployProject(yml, metadata=ALICE)).status == common_pb2.ERROR
    yml.docker_stack_yml *= 2
    refused = await refusal_of(stub.DeployProject(yml, metadata=ALICE))
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in str(refused.details())


async def test_bytes_that_are_no_message_are_named_so(channel: grpc.aio.Channel, agent: FakeAgent) -> None:
    refused = await refusal_of(raw(channel).unary_unary(f"{SERVICE}/Heartbeat")(b"\xff" * 9, metadata=agent.metadata))
    assert (refused.code(), refused.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "The message cannot be read.")


async def test_who_sends_no_message_is_not_waited_for(
    channel: grpc.aio.Channel, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MESSAGE_SECONDS", 0.1)
    call = raw(channel).stream_unary(f"{SERVICE}/Heartbeat")(metadata=agent.metadata)
    assert (await refusal_of(call)).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    nobodys = stub_of(channel).StreamMetrics(metadata=WRONG)
    assert (await refusal_of(nobodys)).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_one_caller_holds_only_so_many_calls(
    channel: grpc.aio.Channel, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MAX_CALLS_PER_CALLER", 2)
    stub = stub_of(channel)
    streams = [stub.StreamMetrics(metadata=agent.metadata) for _ in range(2)]
    for each in streams:
        await each.write(runner_pb2.SendMetricsRequest())
    await asyncio.sleep(0.2)
    refused = await refusal_of(stub.Heartbeat(runner_pb2.HeartbeatRequest(), metadata=agent.metadata))
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    for each in streams:
        await each.done_writing()
        await each
    await stub.Heartbeat(runner_pb2.HeartbeatRequest(), metadata=agent.metadata)


async def test_enrolling_too_often_is_refused_before_the_token_is_read(
    channel: grpc.aio.Channel, domain: Domain
) -> None:
    domain.most_enrolments = 0
    call = raw(channel).stream_unary(f"{SERVICE}/RegisterAgent")()
    refused = await refusal_of(call)
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(domain.enrolments) == 1


async def test_an_agent_that_opens_sessions_without_end_is_held_back(
    agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(stream.OPENINGS):
        await agent.welcomed()
        await agent.leave()
    call = await agent.connect()
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_pace_lets_a_burst_through_and_then_so_much_a_second() -> None:
    now = [0.0]
    pace = TokenBucket(burst=10, per_second=2, clock=lambda: now[0])
    assert [pace.take(1) for _ in range(12)] == [0.0] * 10 + [0.5, 1.0]
    now[0] = 2.0
    assert pace.take(0) == 0.0
    assert pace.take(3) == 0.5
    paces = TokenBuckets(burst=1, per_second=1, clock=lambda: now[0])
    assert (paces.take("a"), paces.take("a"), paces.take("b"), paces.wait("a")) == (0.0, 1.0, 0.0, 1.0)
