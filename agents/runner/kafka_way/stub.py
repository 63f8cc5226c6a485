"""The calls of the gateway over the broker, under the names and with the arguments of gRPC's own stub."""

# ruff: noqa: N802 - the names are the contract's

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.protobuf.message import Message

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.kafka_link.keys import LinkKeys
from agents.kafka_link.messages import SESSION
from agents.kafka_link.sender import Connection, Sender
from agents.runner.kafka_way.calls import AgentCall, failed
from agents.runner.kafka_way.link import LOST, AgentLink, LinkIdentity

Metadata = Sequence[tuple[str, str]]


class KafkaStub:
    """One link at a time: each session begins a new one, and the other calls go over it."""

    def __init__(self, *, connection: Connection, agent_id: Any) -> None:
        self._connection = connection
        self._agent_id = agent_id
        self._sender = Sender(connection=connection, name="axion-agent-out")
        self._link: AgentLink | None = None

    def Session(self, *, metadata: Metadata) -> SessionOverKafka:
        if self._link is not None:
            self._link.close()
        credential = _credential_in(metadata)
        keys = LinkKeys.of_credential(credential)
        identity = LinkIdentity(agent_id=self._agent_id(), credential=credential, keys=keys)
        self._link = AgentLink(connection=self._connection, sender=self._sender, identity=identity)
        return SessionOverKafka(self._link)

    async def FetchSecrets(
        self, request: pb.FetchSecretsRequest, *, metadata: Metadata, timeout: float
    ) -> pb.FetchSecretsResponse:
        del metadata
        call = self._call("FetchSecrets", pb.FetchSecretsResponse)
        answer: pb.FetchSecretsResponse = await _only_answer(call, request, timeout)
        return answer

    async def TellContainers(
        self, request: pb.TellContainersRequest, *, metadata: Metadata, timeout: float
    ) -> common_pb2.Empty:
        del metadata
        call = self._call("TellContainers", common_pb2.Empty)
        answer: common_pb2.Empty = await _only_answer(call, request, timeout)
        return answer

    def FetchBundle(self, request: pb.FetchBundleRequest, *, metadata: Metadata, timeout: float) -> BundleOverKafka:
        del metadata, timeout
        return BundleOverKafka(self._call("FetchBundle", pb.BundleChunk), request)

    async def StreamLogs(
        self, batches: AsyncIterator[pb.LogBatch], *, metadata: Metadata, timeout: float
    ) -> common_pb2.Empty:
        """Send until there are no more or the other side has enough."""
        del metadata
        call = self._call("StreamLogs", common_pb2.Empty)
        sending = asyncio.ensure_future(_send_all(call, batches))
        try:
            async with asyncio.timeout(timeout):
                answer: common_pb2.Empty = await call.read()
                return answer
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            call.cancel()

    def close(self) -> None:
        """Give up the link and the connections. Blocks for a second or two."""
        if self._link is not None:
            self._link.close()
        self._sender.close()

    def _call(self, method: str, response: type[Message]) -> AgentCall:
        if self._link is None:
            raise failed(grpc.StatusCode.UNAVAILABLE, LOST)
        return self._link.call(method=method, response=response)


class SessionOverKafka:
    """The session's call; the link is opened with its first message."""

    def __init__(self, link: AgentLink) -> None:
        self._link = link
        self._call: AgentCall | None = None

    async def write(self, message: pb.FromAgent) -> None:
        if self._call is None:
            await self._link.open()
            self._call = self._link.call(method=SESSION, response=pb.ToAgent)
        await self._call.write(message)

    async def read(self) -> Any:
        assert self._call is not None, "Hello was written before"
        return await self._call.read()

    async def code(self) -> grpc.StatusCode:
        assert self._call is not None, "Hello was written before"
        return await self._call.code()

    def cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()
        self._link.close()


class BundleOverKafka:
    """The chunks of a bundle, asked for when they are first read."""

    def __init__(self, call: AgentCall, request: pb.FetchBundleRequest) -> None:
        self._call = call
        self._request = request

    async def __aiter__(self) -> AsyncIterator[pb.BundleChunk]:
        await self._call.write(self._request)
        async for chunk in self._call:
            yield chunk

    def cancel(self) -> None:
        self._call.cancel()


async def _only_answer(call: AgentCall, request: Message, seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            await call.write(request)
            return await call.read()
    except TimeoutError:
        raise failed(grpc.StatusCode.DEADLINE_EXCEEDED, "No answer came over the broker.") from None
    finally:
        call.cancel()


async def _send_all(call: AgentCall, batches: AsyncIterator[pb.LogBatch]) -> None:
    async for batch in batches:
        await call.write(batch)
    await call.done_writing()


def _credential_in(metadata: Metadata) -> str:
    return next((value.removeprefix("Bearer ") for key, value in metadata if key == "authorization"), "")
