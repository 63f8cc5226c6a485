"""REST for what containers and machines use: processor, memory, network and disk over time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.api.schemas.usage_schemas import UsageOut, UsageQuery
from deployments.data.usage_types import Usage, UsagePoint
from deployments.event_types import epoch_ms
from deployments.services.queries import usage
from deployments.services.queries.usage import Mark

TAG = "usage"
DEFAULT_HOURS = 1
UsageAnswer = enveloped_data("UsageAnswer", usage=UsageOut())


class ProjectUsage(BaseView):
    @documented(
        "getProjectUsage",
        "What the project's containers used, each a series of its own",
        tag=TAG,
        query=UsageQuery,
        answers={200: UsageAnswer},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        found = usage.project_usage(caller=self.caller, project_id=project_id, hours=hours_in(request))
        marks = usage.project_marks(caller=self.caller, project_id=project_id, since=found.since)
        return success({"data": {"usage": usage_shape(found, marks)}})


class ServerUsage(BaseView):
    @documented(
        "getServerUsage",
        "What your server used as a whole",
        tag=TAG,
        query=UsageQuery,
        answers={200: UsageAnswer},
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        found = usage.server_usage(caller=self.caller, server_id=server_id, hours=hours_in(request))
        marks = usage.server_marks(caller=self.caller, server_id=server_id, since=found.since)
        return success({"data": {"usage": usage_shape(found, marks)}})


def hours_in(request: Request) -> int:
    """Return how far back to look. Raises ValidationError."""
    return int(validated(UsageQuery, request.query_params).get("hours", DEFAULT_HOURS))


def usage_shape(found: Usage, marks: Iterable[Mark]) -> dict[str, Any]:
    return {
        "marks": [
            {
                "kind": "deployment" if mark.deployment_id else "memoryKill",
                "at": epoch_ms(mark.at),
                "message": mark.words,
                "deploymentId": str(mark.deployment_id or ""),
                "container": mark.container,
            }
            for mark in marks
        ],
        "since": epoch_ms(found.since),
        "stepSeconds": found.step_seconds,
        "complete": found.complete,
        "series": [
            {
                "serverId": str(series.server_id),
                "nodeId": series.node_id,
                "serviceName": series.service,
                "container": series.container,
                "points": [_usage_point_shape(point) for point in series.points],
            }
            for series in found.series
        ],
    }


def _usage_point_shape(point: UsagePoint) -> dict[str, Any]:
    return {
        "at": epoch_ms(point.at),
        "cpuPercent": round(point.cpu_percent, 2),
        "memoryBytes": point.memory_bytes,
        "memoryLimitBytes": point.memory_limit_bytes,
        "received": round(point.received, 1),
        "sent": round(point.sent, 1),
        "read": round(point.read, 1),
        "written": round(point.written, 1),
        "diskBytes": point.disk_bytes,
    }
