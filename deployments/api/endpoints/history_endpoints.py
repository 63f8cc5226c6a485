"""REST for what succeeded, what lies between two successes, and who holds a target."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.history_responses import DiffOut, HistoryOut, LaneOut
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.api.schemas.requests import DiffQuery, HistoryQuery
from deployments.api.schemas.responses import PaginationOut
from deployments.event_types import epoch_ms
from deployments.services.queries import history_view, lane_view
from deployments.types import DeploymentRecord, HistoryEntry
from deployments.wire import STATUS_NUMBERS, pagination_shape, seen_shape
from stackgen.plan import Change

TAG = "history"


class History(BaseView):
    @documented(
        "listHistory",
        "List successful deployments, newest first, and whether each can be restored and, if not, why",
        tag=TAG,
        query=HistoryQuery,
        answers={200: enveloped_data("HistoryAnswer", history=HistoryOut(many=True), pagination=PaginationOut())},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        query = validated(HistoryQuery, request.query_params)
        page = history_view.list_history(
            caller=self.caller,
            project_id=project_id,
            target_id=query.get("targetId"),
            page=query.get("page", 1),
            limit=query.get("limit", 20),
        )
        entries = [entry_shape(entry) for entry in page.items]
        return success({"data": {"history": entries, "pagination": pagination_shape(page)}})


class HistoryDiff(BaseView):
    @documented(
        "diffHistory",
        "Compare this entry with the entry `with`; names of variables, never values",
        tag=TAG,
        query=DiffQuery,
        answers={200: enveloped_data("DiffAnswer", diff=DiffOut())},
    )
    def get(self, request: Request, history_id: UUID) -> Response:
        query = validated(DiffQuery, request.query_params)
        difference = history_view.diff_history(caller=self.caller, older_id=query["with"], newer_id=history_id)
        shape = {
            "changes": [change_shape(change) for change in difference.changes],
            "text": difference.text,
            "envAdded": list(difference.env_added),
            "envRemoved": list(difference.env_removed),
            "envChanged": list(difference.env_changed),
        }
        return success({"data": {"diff": shape}})


class Lanes(BaseView):
    @documented(
        "listLanes",
        "Per target: the last successful deployment, the one in progress with its deadline, and the queue",
        tag=TAG,
        answers={200: enveloped_data("LanesAnswer", lanes=LaneOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        views = lane_view.view_lanes(caller=self.caller, project_id=project_id)
        return success({"data": {"lanes": [lane_shape(view) for view in views]}})


def entry_shape(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "deploymentId": str(entry.deployment_id),
        "projectId": str(entry.project_id),
        f"{entry.target.kind}Id": str(entry.target.id),
        "number": entry.number,
        "version": entry.version,
        "kind": entry.kind,
        "graphVersion": entry.graph_version,
        "rolledBack": entry.rolled_back,
        "createdAt": epoch_ms(entry.created_at),
        "requestedBy": entry.requested_by,
        "images": dict(entry.images),
        "envNames": list(entry.env_names),
        "restorable": entry.restorable,
        "whyNot": entry.why_not,
    }


def change_shape(change: Change) -> dict[str, Any]:
    """Return one service of a plan."""
    shape = asdict(change)
    return {
        "serviceName": shape["service"],
        "nodeId": shape["node_id"],
        "action": shape["action"],
        "reasons": list(shape["reasons"]),
        "downtime": shape["downtime"],
    }


def lane_shape(view: lane_view.LaneView) -> dict[str, Any]:
    return {
        f"{view.target.kind}Id": str(view.target.id),
        "targetName": view.target_name,
        "gone": view.gone,
        "holder": None if view.holder is None else turn_shape(view.holder),
        "since": epoch_ms(view.since),
        "until": epoch_ms(view.until),
        "waiting": [turn_shape(deployment) for deployment in view.waiting],
        "running": None if view.running is None else entry_shape(view.running),
        "seen": None if view.seen is None else seen_shape(view.seen),
        "drift": None if view.drift is None else lane_view.drift_shape(view.drift),
    }


def turn_shape(deployment: DeploymentRecord) -> dict[str, Any]:
    return {
        "deploymentId": str(deployment.id),
        "kind": deployment.kind,
        "status": STATUS_NUMBERS[deployment.status],
        "requestedBy": deployment.requested_by,
        "createdAt": epoch_ms(deployment.created_at),
    }
