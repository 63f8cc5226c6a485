"""Unary calls that agents make: registering, heartbeats, and fetching what a deployment needs."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any, NoReturn
from uuid import UUID

import grpc
import structlog

from agents import gateway
from agents.contracts import common_pb2, runner_pb2
from agents.errors import NotFound
from agents.pki.records import Keyed
from agents.services import enrolment, updates
from agents.token_bucket import TokenBucket
from agents.transport.callers import Callers
from agents.transport.failures import is_expected, wire_error, wire_status
from agents.transport.intake.sample_intake import SampleIntake
from agents.transport.liveness import Liveness
from agents.transport.ports import Bindings
from agents.transport.threads import DatabaseThreads
from agents.transport.trust.listeners import OwnTrust
from agents.transport.trust.renewals import certificate_message
from agents.transport.wire import codec
from agents.types import RegistryLogin

logger = structlog.get_logger(__name__)
Call = grpc.aio.ServicerContext[Any, Any]

CHUNK_BYTES = 256 * 1024
SECRETS_CALL = "FetchSecrets"
MAX_TOKEN = 500
# Agents tell of themselves every few seconds.
METRICS_BURST, METRICS_PER_SECOND = 10, 2


class AgentCalls:
    def __init__(
        self,
        *,
        bindings: Bindings,
        callers: Callers,
        threads: DatabaseThreads,
        liveness: Liveness,
        samples: SampleIntake,
        trust: OwnTrust,
    ) -> None:
        self._trust = trust
        self._bindings = bindings
        self._callers = callers
        self._threads = threads
        self._liveness = liveness
        self._samples = samples

    async def register(
        self, request: runner_pb2.RegisterAgentRequest, context: Call
    ) -> runner_pb2.RegisterAgentResponse:
        """Exchange a one-time token for a credential; an empty server_id takes the token's word.

        Whoever sends a request for a certificate gets one, where agents with certificates are served. Whoever tries too
        often was turned away before the message was read.
        """
        del context
        try:
            done = await self._threads.run(
                enrolment.register,
                token=request.agent_token,
                server_id=codec.id_from_wire(request.server_id) if request.server_id else None,
                info=codec.info_from_wire(request.agent_info),
                new_id=uuid.uuid4(),
                keyed=self._keyed(request),
            )
        except Exception as error:
            _log_unexpected(error, call="RegisterAgent")
            return runner_pb2.RegisterAgentResponse(status=common_pb2.ERROR, error=wire_error(error))
        logger.info("agent registered", agent_id=str(done.agent_id), server_id=str(done.server_id))
        data = runner_pb2.RegisterAgentData(
            agent_id=str(done.agent_id),
            server_id=str(done.server_id),
            registration_successful=True,
            message="Registered.",
            credential=done.credential,
            certificate=None if done.certificate is None else certificate_message(done.certificate),
            mutual_address="" if done.certificate is None else self._trust.mutual_address,
        )
        return runner_pb2.RegisterAgentResponse(status=common_pb2.SUCCESS, data=data)

    def _keyed(self, request: runner_pb2.RegisterAgentRequest) -> Keyed | None:
        if not (request.certificate_request and self._trust.is_mutual):
            return None
        return Keyed(request=request.certificate_request, sealing_key=request.sealing_key)

    async def heartbeat(self, request: runner_pb2.HeartbeatRequest, context: Call) -> runner_pb2.HeartbeatResponse:
        await self._heard(request, context)
        data = runner_pb2.HeartbeatData(acknowledged=True)
        return runner_pb2.HeartbeatResponse(status=common_pb2.SUCCESS, data=data)

    async def metrics(self, request: runner_pb2.SendMetricsRequest, context: Call) -> common_pb2.Empty:
        await self._measured(request, context)
        return common_pb2.Empty()

    async def metrics_stream(
        self, requests: AsyncIterator[runner_pb2.SendMetricsRequest], context: Call
    ) -> common_pb2.Empty:
        pace = TokenBucket(burst=METRICS_BURST, per_second=METRICS_PER_SECOND)
        async for request in requests:
            await pace.spend(1)
            await self._measured(request, context)
        return common_pb2.Empty()

    async def bundle(
        self, request: runner_pb2.FetchBundleRequest, context: Call
    ) -> AsyncIterator[runner_pb2.BundleChunk]:
        """Return the bundle in chunks; NOT_FOUND for an unknown one and for somebody else's alike."""
        agent, _ = await self._callers.agent(context)
        try:
            content = await self._threads.run(self._content, digest=request.digest, agent_id=agent.id)
        except Exception as error:
            await _abort(context, error, call="FetchBundle")
        for start in range(0, len(content), CHUNK_BYTES):
            yield runner_pb2.BundleChunk(data=content[start : start + CHUNK_BYTES])

    def _content(self, *, digest: str, agent_id: UUID) -> bytes:
        """Return the agent's own next version, where it was ordered to become that, or the code of a deployment."""
        archive = updates.archive_for(agent_id=agent_id, digest=digest)
        return archive if archive is not None else self._bindings.bundle_of(digest=digest, agent_id=agent_id)

    async def secrets(self, request: runner_pb2.FetchSecretsRequest, context: Call) -> runner_pb2.FetchSecretsResponse:
        """Return the deployment's values and registries; only for an agent that was given a command of it."""
        agent, _ = await self._callers.agent(context)
        try:
            return await self._threads.run(self._secrets, agent_id=agent.id, request=request)
        except Exception as error:
            await _abort(context, error, call=SECRETS_CALL)

    def _secrets(self, *, agent_id: UUID, request: runner_pb2.FetchSecretsRequest) -> runner_pb2.FetchSecretsResponse:
        wanted = codec.id_from_wire(request.deployment_id)
        if not gateway.may_see(agent_id=agent_id, deployment_id=wanted):
            raise NotFound
        values = self._bindings.secrets_of(deployment_id=wanted, agent_id=agent_id)
        registries = self._bindings.registries_of(
            deployment_id=wanted, agent_id=agent_id, opens_sealed=request.opens_registries
        )
        return runner_pb2.FetchSecretsResponse(
            values={} if isinstance(values, bytes) else dict(values),
            sealed=values if isinstance(values, bytes) else b"",
            registries=() if isinstance(registries, bytes) else map(_login_message, registries),
            sealed_registries=registries if isinstance(registries, bytes) else b"",
        )

    async def join_token(self, request: runner_pb2.OfferJoinTokenRequest, context: Call) -> common_pb2.Empty:
        """Keep a token for whoever is to join; only from the agent whose command asked for it."""
        agent, _ = await self._callers.agent(context)
        try:
            await self._threads.run(
                self._bindings.on_join_token,
                command_id=codec.id_from_wire(request.command_id),
                agent_id=agent.id,
                token=request.token[:MAX_TOKEN],
            )
        except Exception as error:
            await _abort(context, error, call=SECRETS_CALL)
        return common_pb2.Empty()

    async def containers(self, request: runner_pb2.TellContainersRequest, context: Call) -> common_pb2.Empty:
        """Keep how containers that are not ours are set up; only from the agent whose command asked for it."""
        agent, _ = await self._callers.agent(context)
        try:
            await self._threads.run(
                self._bindings.on_containers,
                command_id=codec.id_from_wire(request.command_id),
                agent_id=agent.id,
                containers=request.containers,
            )
        except Exception as error:
            await _abort(context, error, call=SECRETS_CALL)
        return common_pb2.Empty()

    async def _measured(self, request: runner_pb2.SendMetricsRequest, context: Call) -> None:
        agent_id = await self._heard(request, context)
        self._samples.take_health(agent_id=agent_id, health=codec.health_from_wire(request.health))

    async def _heard(self, request: runner_pb2.HeartbeatRequest | runner_pb2.SendMetricsRequest, context: Call) -> UUID:
        agent = await self._callers.agent_for_heartbeat(context)
        if request.agent_id not in ("", str(agent.id)):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "The credential belongs to another agent.")
        self._liveness.heard(agent_id=agent.id, session_id=None, health=codec.health_from_wire(request.health))
        return agent.id


def _login_message(login: RegistryLogin) -> runner_pb2.RegistryLogin:
    return runner_pb2.RegistryLogin(
        name=login.name,
        address=login.address,
        username=login.username,
        password=login.password,
        ca_certificate=login.ca_certificate,
    )


async def _abort(context: Call, error: Exception, *, call: str) -> NoReturn:
    _log_unexpected(error, call=call)
    await context.abort(wire_status(error), wire_error(error).message)


def _log_unexpected(error: Exception, *, call: str) -> None:
    if not is_expected(error):
        # Of secrets not even the error's text, which may quote a value.
        shown = type(error).__name__ if call == SECRETS_CALL else repr(error)
        logger.error("call failed", call=call, error=shown)
