"""Which calls agents may make over the broker, and what answers each: the same methods that answer them over gRPC."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from agents.contracts import runner_pb2
from agents.kafka_link.messages import SESSION
from agents.transport.agent_calls import AgentCalls
from agents.transport.intake.log_intake import LogIntake
from agents.transport.kafka_way.call import LinkCall
from agents.transport.stream import SessionCalls


@dataclass(frozen=True, slots=True)
class Method:
    """What its requests are, and what serves it from its first message to its end."""

    request: type[Message]
    serve: Callable[[LinkCall], Awaitable[None]]


class Methods:
    def __init__(self, *, agents: AgentCalls, sessions: SessionCalls, logs: LogIntake) -> None:
        self._agents = agents
        self._sessions = sessions
        self._logs = logs
        self.by_name = {
            SESSION: Method(runner_pb2.FromAgent, self._session),
            "FetchSecrets": Method(runner_pb2.FetchSecretsRequest, self._secrets),
            "TellContainers": Method(runner_pb2.TellContainersRequest, self._containers),
            "FetchBundle": Method(runner_pb2.FetchBundleRequest, self._bundle),
            "StreamLogs": Method(runner_pb2.LogBatch, self._stream_logs),
        }

    async def _session(self, call: LinkCall) -> None:
        await self._sessions.serve(call.messages(), _as_grpc(call))

    async def _secrets(self, call: LinkCall) -> None:
        await call.write(await self._agents.secrets(await _first(call), _as_grpc(call)))

    async def _containers(self, call: LinkCall) -> None:
        await call.write(await self._agents.containers(await _first(call), _as_grpc(call)))

    async def _bundle(self, call: LinkCall) -> None:
        async for chunk in self._agents.bundle(await _first(call), _as_grpc(call)):
            await call.write(chunk)

    async def _stream_logs(self, call: LinkCall) -> None:
        await call.write(await self._logs.answer(call.messages(), _as_grpc(call)))


def _as_grpc(call: LinkCall) -> Any:
    """Return the call under the type that the methods name; they use no more of it than LinkCall has."""
    return call


async def _first(call: LinkCall) -> Any:
    async for message in call.messages():
        return message
    return await call.abort(grpc.StatusCode.INVALID_ARGUMENT, "The call has no request.")
