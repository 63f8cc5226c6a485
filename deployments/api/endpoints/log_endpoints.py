"""REST for what the containers of a project write, live from their servers. Who wants to follow opens a socket."""

from __future__ import annotations

from uuid import UUID, uuid4

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.log_responses import LogsOut
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.api.schemas.requests import LogsQuery
from deployments.data.log_types import LogQuery
from deployments.services.logs import open as opening
from deployments.services.logs import reader
from deployments.wire import log_part_shape

TAG = "logs"
DEFAULT_TAIL = 200


class ProjectLogs(BaseView):
    @documented(
        "readLogs",
        "Get the logs of the project's containers, by time; follow them at /ws/projects/{id}/logs/",
        tag=TAG,
        query=LogsQuery,
        answers={200: enveloped_data("LogsAnswer", logs=LogsOut())},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        given = validated(LogsQuery, request.query_params)
        query = LogQuery(
            project_id=project_id,
            server_id=given.get("serverId"),
            services=names_in(given.get("service", "")),
            since_ms=given.get("since", 0),
            until_ms=given.get("until", 0),
            tail=given.get("tail", DEFAULT_TAIL),
            search=given.get("search", ""),
        )
        opened = opening.open_logs(caller=self.caller, query=query, request_id=uuid4())
        return success({"data": {"logs": log_part_shape(async_to_sync(reader.read_past)(opened))}})


def names_in(text: str) -> tuple[str, ...]:
    """Return the names between commas."""
    return tuple(name for each in text.split(",") if (name := each.strip()))
