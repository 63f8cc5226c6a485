"""REST for how stacks are now, and what happened to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.endpoints.deployment_endpoints import FORGOTTEN, MAX_EVENTS, NEXT
from deployments.api.schemas.history_responses import SeenOut
from deployments.api.schemas.observation_schemas import StackEventOut, StackOut, StacksQuery
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.api.schemas.requests import EventsQuery
from deployments.services.queries import stack_events, stack_list
from deployments.services.queries.stack_list import StackLine
from deployments.wire import seen_shape, stack_event_shape

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


class StackEvents(BaseView):
    @documented(
        "getStackEvents",
        "List what happened to a project's stack on a server after a sequence number, in order: the same events that"
        " go to Kafka; and how it is now",
        tag=TAG,
        query=EventsQuery,
        answers={
            200: enveloped(
                "StackEventsAnswer",
                events=StackEventOut(many=True),
                next=NEXT,
                forgotten=FORGOTTEN,
                seen=SeenOut(allow_null=True, help_text="Null where nothing is deployed any more."),
            )
        },
    )
    def get(self, request: Request, project_id: UUID, server_id: UUID) -> Response:
        query = validated(EventsQuery, request.query_params)
        page = stack_events.stack_events(
            caller=self.caller,
            project_id=project_id,
            server_id=server_id,
            sequence=query.get("after", 0),
            limit=min(MAX_EVENTS, query.get("limit", MAX_EVENTS)),
        )
        return success(
            {
                "events": [stack_event_shape(event) for event in page.events],
                "next": page.next,
                "forgotten": page.forgotten,
                "seen": None if page.seen is None else seen_shape(page.seen),
            }
        )


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
