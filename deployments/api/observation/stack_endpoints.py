"""REST for how stacks are now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.observation_schemas import StackOut, StacksQuery
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.services.queries import stack_list
from deployments.services.queries.stack_list import StackLine
from deployments.wire import seen_shape

TAG = "projects"


class Stacks(BaseView):
    @documented(
        "listStacks",
        "List the current state of stacks that you can see, of up to 500 projects, and when each was last seen",
        tag=TAG,
        query=StacksQuery,
        answers={200: enveloped_data("StacksAnswer", stacks=StackOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        query = validated(StacksQuery, request.query_params)
        found = stack_list.list_stacks(caller=self.caller, project_id=query.get("projectId"))
        return success({"data": {"stacks": stack_shapes(found.lines)}})


def stack_shapes(lines: Iterable[StackLine]) -> list[dict[str, Any]]:
    return [
        {
            "projectId": str(line.project_id),
            "projectName": line.project_name,
            "serverId": str(line.server_id),
            "serverName": line.server_name,
            "seen": seen_shape(line.seen),
        }
        for line in lines
    ]
