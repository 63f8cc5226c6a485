"""REST for external nodes: whether a server of the project reaches them."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.endpoints.deployment_endpoints import target_in
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.observation_schemas import ReachCheckOut, ReachIn
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.data.reach_types import ReachRecord
from deployments.event_types import epoch_ms
from deployments.scopes import Scope
from deployments.services.requests import check_reach

TAG = "external nodes"
CheckAnswer = enveloped_data("ReachCheckAnswer", check=ReachCheckOut())


class ReachChecks(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "listReachChecks",
        "List the newest 20 checks of the project's external nodes",
        tag=TAG,
        answers={200: enveloped_data("ReachChecksAnswer", checks=ReachCheckOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        found = check_reach.list_checks(caller=self.caller, project_id=project_id)
        return success({"data": {"checks": [shape(each) for each in found]}})

    @documented(
        "checkReach",
        "Try from a server whether the project's external nodes accept a TCP connection",
        tag=TAG,
        takes=ReachIn,
        answers={202: CheckAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(ReachIn, request.data)
        found = check_reach.check_reach(
            caller=self.caller,
            project_id=project_id,
            target=target_in(body),
            check_id=uuid4(),
            nodes=body.get("nodes", ()),
        )
        return success({"data": {"check": shape(found)}}, status=202)


class ReachCheckDetail(BaseView):
    @documented("getReachCheck", "Get one check of external nodes", tag=TAG, answers={200: CheckAnswer})
    def get(self, request: Request, project_id: UUID, check_id: UUID) -> Response:
        found = check_reach.get_check(caller=self.caller, project_id=project_id, check_id=check_id)
        return success({"data": {"check": shape(found)}})


def shape(check: ReachRecord) -> dict[str, Any]:
    return {
        "id": str(check.id),
        "serverId": str(check.server_id),
        "serverName": check.server_name,
        "state": str(check.state),
        "message": check.message,
        "nodes": [
            {
                "nodeId": line.node_id,
                "name": line.name,
                "host": line.host,
                "port": line.port,
                "outcome": line.outcome,
                "message": line.message,
                "milliseconds": line.milliseconds,
            }
            for line in check.lines
        ],
        "requestedBy": check.requested_by,
        "requestedAt": epoch_ms(check.requested_at),
        "endedAt": epoch_ms(check.ended_at),
    }
