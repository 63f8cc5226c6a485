"""REST for bringing agents to the version that the control plane has."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from uuid import UUID, uuid4

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.agent_responses import RolloutOut, UpdatesIn
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.services.fleet import agent_updates
from deployments.services.fleet.update_shapes import rollout_shape

TAG = "machines"
RolloutAnswer = enveloped("RolloutAnswer", rollout=RolloutOut())


class AgentUpdates(BaseView):
    fresh = ("POST",)

    @documented(
        "updateAgents",
        "Update agents to this control plane's version, in waves; the first failure stops the rest",
        tag=TAG,
        takes=UpdatesIn,
        answers={202: RolloutAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        body = validated(UpdatesIn, request.data)
        made = agent_updates.request_updates(caller=self.caller, server_ids=body.get("servers"), rollout_id=uuid4())
        location = reverse("api-agent-update", args=[made.id])
        return success({"rollout": rollout_shape(made)}, status=202, location=location)

    @documented(
        "listAgentUpdates",
        "List the newest updates that you requested, the newest first",
        tag=TAG,
        answers={200: enveloped_data("RolloutsAnswer", rollouts=RolloutOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        listed = agent_updates.list_rollouts(caller=self.caller)
        return success({"data": {"rollouts": [rollout_shape(each) for each in listed]}})


class AgentUpdate(BaseView):
    @documented("getAgentUpdate", "Get an update and how far each agent is", tag=TAG, answers={200: RolloutAnswer})
    def get(self, request: Request, rollout_id: UUID) -> Response:
        found = agent_updates.get_rollout(caller=self.caller, rollout_id=rollout_id)
        return success({"rollout": rollout_shape(found)})


class CancelAgentUpdate(BaseView):
    @documented(
        "cancelAgentUpdate",
        "Cancel an update: no further agent begins; those that were told go on to their end",
        tag=TAG,
        answers={202: RolloutAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, rollout_id: UUID) -> Response:
        found = agent_updates.cancel_rollout(caller=self.caller, rollout_id=rollout_id)
        return success({"rollout": rollout_shape(found)}, status=202)
