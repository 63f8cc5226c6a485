"""Unary calls of users and other services, by API token. Strangers learn nothing: not yours is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import grpc
import structlog

from agents.contracts import common_pb2, runner_pb2
from agents.services import command_delivery, directory
from agents.transport.callers import Callers
from agents.transport.failures import is_expected, wire_error, wire_status
from agents.transport.ports import Bindings
from agents.transport.threads import DatabaseThreads
from agents.transport.wire import answers, codec

logger = structlog.get_logger(__name__)
Call = grpc.aio.ServicerContext[Any, Any]
T = TypeVar("T")

DEFAULT_LIMIT, MAX_LIMIT = 10, 100
NOTHING_TO_SEND = (
    "This agent has no unfinished command of that deployment. Deployments are started through the deployment service;"
    " a stack file from outside is never run."
)


class UserCalls:
    def __init__(self, *, bindings: Bindings, callers: Callers, threads: DatabaseThreads) -> None:
        self._bindings = bindings
        self._callers = callers
        self._threads = threads

    async def agent_status(
        self, request: runner_pb2.GetAgentStatusRequest, context: Call
    ) -> runner_pb2.GetAgentStatusResponse:
        user = await self._callers.user(context)
        try:
            found = await self._ask(
                lambda: directory.own_agent(agent_id=codec.id_from_wire(request.agent_id), owner_id=user)
            )
        except Exception as error:
            return runner_pb2.GetAgentStatusResponse(status=common_pb2.ERROR, error=_failed(error))
        return runner_pb2.GetAgentStatusResponse(status=common_pb2.SUCCESS, data=answers.agent_to_wire(found))

    async def list_agents(self, request: runner_pb2.ListAgentsRequest, context: Call) -> runner_pb2.ListAgentsResponse:
        user = await self._callers.user(context)
        page = max(request.pagination.page, 1)
        limit = min(max(request.pagination.limit or DEFAULT_LIMIT, 1), MAX_LIMIT)
        try:
            found, total = await self._ask(lambda: directory.agents_of(owner_id=user, page=page, limit=limit))
        except Exception as error:
            return runner_pb2.ListAgentsResponse(status=common_pb2.ERROR, error=_failed(error))
        data = runner_pb2.ListAgentsData(
            agents=[answers.agent_to_wire(agent) for agent in found],
            pagination=common_pb2.Pagination(page=page, limit=limit, total=total, total_pages=-(-total // limit)),
        )
        return runner_pb2.ListAgentsResponse(status=common_pb2.SUCCESS, data=data)

    async def deploy(self, request: runner_pb2.DeployProjectCommand, context: Call) -> runner_pb2.DeployProjectResponse:
        """Hurry a deployment that the ledger already holds for this owner; the request's YAML is not even read."""
        user = await self._callers.user(context, acts=True)
        try:
            accepted = await self._ask(
                lambda: command_delivery.send_again(
                    agent_id=codec.id_from_wire(request.agent_id),
                    deployment_id=codec.id_from_wire(request.deployment_id),
                    owner_id=user,
                )
            )
        except Exception as error:
            return runner_pb2.DeployProjectResponse(status=common_pb2.ERROR, error=_failed(error))
        data = runner_pb2.DeployProjectData(
            deployment_id=request.deployment_id,
            accepted=accepted,
            message="Sent to the agent again." if accepted else NOTHING_TO_SEND,
        )
        return runner_pb2.DeployProjectResponse(status=common_pb2.SUCCESS, data=data)

    async def deployment_status(
        self, request: runner_pb2.GetDeploymentStatusRequest, context: Call
    ) -> runner_pb2.GetDeploymentStatusResponse:
        user = await self._callers.user(context)
        try:
            state = await self._ask(
                lambda: self._bindings.deployment_state(
                    deployment_id=codec.id_from_wire(request.deployment_id), user_id=user
                )
            )
        except Exception as error:
            return runner_pb2.GetDeploymentStatusResponse(status=common_pb2.ERROR, error=_failed(error))
        data = answers.deployment_to_wire(state)
        return runner_pb2.GetDeploymentStatusResponse(status=common_pb2.SUCCESS, data=data)

    async def cancel(self, request: runner_pb2.CancelDeploymentRequest, context: Call) -> common_pb2.Empty:
        user = await self._callers.user(context, acts=True)
        return await self._empty(
            context,
            lambda: self._bindings.cancel_deployment(
                deployment_id=codec.id_from_wire(request.deployment_id), user_id=user
            ),
        )

    async def stop(self, request: runner_pb2.StopProjectCommand, context: Call) -> common_pb2.Empty:
        """Ask for the project's stop on the agent's server, as a deployment of its own kind."""
        user = await self._callers.user(context, acts=True)
        return await self._empty(
            context,
            lambda: self._bindings.stop_project(
                agent_id=codec.id_from_wire(request.agent_id),
                project_id=codec.id_from_wire(request.project_id),
                user_id=user,
            ),
        )

    async def scale(self, request: runner_pb2.ScaleServiceCommand, context: Call) -> common_pb2.Empty:
        """Ask for so many copies of a service on the agent's server, as a deployment of its own kind."""
        user = await self._callers.user(context, acts=True)
        return await self._empty(
            context,
            lambda: self._bindings.scale_service(
                agent_id=codec.id_from_wire(request.agent_id),
                project_id=codec.id_from_wire(request.project_id),
                service_name=request.service_name,
                replicas=request.replicas,
                user_id=user,
            ),
        )

    async def check_update(
        self, request: runner_pb2.CheckUpdateRequest, context: Call
    ) -> runner_pb2.CheckUpdateResponse:
        user = await self._callers.user(context)
        try:
            found = await self._ask(
                lambda: self._bindings.check_update(agent_id=codec.id_from_wire(request.agent_id), user_id=user)
            )
        except Exception as error:
            return runner_pb2.CheckUpdateResponse(status=common_pb2.ERROR, error=_failed(error))
        data = runner_pb2.CheckUpdateData(
            agent_id=str(found.agent_id),
            current_version=found.current_version,
            latest_version=found.latest_version,
            update_available=found.available,
            message=found.why_not,
        )
        return runner_pb2.CheckUpdateResponse(status=common_pb2.SUCCESS, data=data)

    async def update_agent(
        self, request: runner_pb2.UpdateAgentRequest, context: Call
    ) -> runner_pb2.UpdateAgentResponse:
        """Ask for the update of this one agent; its progress is that of the rollout."""
        user = await self._callers.user(context, acts=True)
        try:
            rollout_id = await self._ask(
                lambda: self._bindings.update_agent(agent_id=codec.id_from_wire(request.agent_id), user_id=user)
            )
        except Exception as error:
            return runner_pb2.UpdateAgentResponse(status=common_pb2.ERROR, error=_failed(error))
        data = runner_pb2.UpdateAgentData(
            update_id=str(rollout_id), accepted=True, message="The agent is told to update itself."
        )
        return runner_pb2.UpdateAgentResponse(status=common_pb2.SUCCESS, data=data)

    async def _empty(self, context: Call, call: Callable[[], None]) -> common_pb2.Empty:
        """Run a call whose answer has no room for an error: that becomes the call's status."""
        try:
            await self._ask(call)
        except Exception as error:
            await context.abort(wire_status(error), _failed(error).message)
        return common_pb2.Empty()

    async def _ask(self, question: Callable[[], T]) -> T:
        return await self._threads.run(question)


def _failed(error: Exception) -> common_pb2.Error:
    if not is_expected(error):
        logger.error("call failed", error=repr(error))
    return wire_error(error)
