"""The gRPC service by the names of the contract; each call is answered elsewhere."""

# ruff: noqa: N802, ARG002 - names and arguments are the contract's

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from agents.contracts import common_pb2, runner_pb2, runner_pb2_grpc
from agents.transport.agent_calls import AgentCalls
from agents.transport.intake.log_intake import LogIntake
from agents.transport.stream import SessionCalls
from agents.transport.user_calls import UserCalls

Call = grpc.aio.ServicerContext[Any, Any]


class RunnerAgentService(runner_pb2_grpc.RunnerAgentServiceServicer):
    def __init__(self, *, agents: AgentCalls, users: UserCalls, sessions: SessionCalls, logs: LogIntake) -> None:
        self._agents = agents
        self._users = users
        self._sessions = sessions
        self._logs = logs

    # Agents

    async def Session(self, request_iterator: AsyncIterator[runner_pb2.FromAgent], context: Call) -> None:
        await self._sessions.serve(request_iterator, context)

    async def RegisterAgent(
        self, request: runner_pb2.RegisterAgentRequest, context: Call
    ) -> runner_pb2.RegisterAgentResponse:
        return await self._agents.register(request, context)

    async def Heartbeat(self, request: runner_pb2.HeartbeatRequest, context: Call) -> runner_pb2.HeartbeatResponse:
        return await self._agents.heartbeat(request, context)

    async def SendMetrics(self, request: runner_pb2.SendMetricsRequest, context: Call) -> common_pb2.Empty:
        return await self._agents.metrics(request, context)

    async def StreamMetrics(
        self, request_iterator: AsyncIterator[runner_pb2.SendMetricsRequest], context: Call
    ) -> common_pb2.Empty:
        return await self._agents.metrics_stream(request_iterator, context)

    async def FetchBundle(
        self, request: runner_pb2.FetchBundleRequest, context: Call
    ) -> AsyncIterator[runner_pb2.BundleChunk]:
        async for chunk in self._agents.bundle(request, context):
            yield chunk

    async def FetchSecrets(
        self, request: runner_pb2.FetchSecretsRequest, context: Call
    ) -> runner_pb2.FetchSecretsResponse:
        return await self._agents.secrets(request, context)

    async def OfferJoinToken(self, request: runner_pb2.OfferJoinTokenRequest, context: Call) -> common_pb2.Empty:
        return await self._agents.join_token(request, context)

    async def TellContainers(self, request: runner_pb2.TellContainersRequest, context: Call) -> common_pb2.Empty:
        return await self._agents.containers(request, context)

    async def StreamLogs(self, request_iterator: AsyncIterator[runner_pb2.LogBatch], context: Call) -> common_pb2.Empty:
        return await self._logs.answer(request_iterator, context)

    # Users and other services

    async def GetAgentStatus(
        self, request: runner_pb2.GetAgentStatusRequest, context: Call
    ) -> runner_pb2.GetAgentStatusResponse:
        return await self._users.agent_status(request, context)

    async def ListAgents(self, request: runner_pb2.ListAgentsRequest, context: Call) -> runner_pb2.ListAgentsResponse:
        return await self._users.list_agents(request, context)

    async def DeployProject(
        self, request: runner_pb2.DeployProjectCommand, context: Call
    ) -> runner_pb2.DeployProjectResponse:
        return await self._users.deploy(request, context)

    async def GetDeploymentStatus(
        self, request: runner_pb2.GetDeploymentStatusRequest, context: Call
    ) -> runner_pb2.GetDeploymentStatusResponse:
        return await self._users.deployment_status(request, context)

    async def CancelDeployment(self, request: runner_pb2.CancelDeploymentRequest, context: Call) -> common_pb2.Empty:
        return await self._users.cancel(request, context)

    async def ScaleService(self, request: runner_pb2.ScaleServiceCommand, context: Call) -> common_pb2.Empty:
        return await self._users.scale(request, context)

    async def StopProject(self, request: runner_pb2.StopProjectCommand, context: Call) -> common_pb2.Empty:
        return await self._users.stop(request, context)

    async def CheckUpdate(
        self, request: runner_pb2.CheckUpdateRequest, context: Call
    ) -> runner_pb2.CheckUpdateResponse:
        return await self._users.check_update(request, context)

    async def UpdateAgent(
        self, request: runner_pb2.UpdateAgentRequest, context: Call
    ) -> runner_pb2.UpdateAgentResponse:
        return await self._users.update_agent(request, context)

    async def HealthCheck(self, request: common_pb2.Empty, context: Call) -> runner_pb2.HealthCheckResponse:
        """Open to everybody, so it says no more than that the process serves."""
        return runner_pb2.HealthCheckResponse(serving=True)
