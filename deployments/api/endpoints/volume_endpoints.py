"""REST for volumes: which are left over, and the end of one of them."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.end_schemas import ProjectVolumeIn, ServerVolumeIn, VolumeDeletionOut, VolumeOut
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.data.end_types import VolumeDeletionRecord, VolumeLine
from deployments.event_types import epoch_ms
from deployments.services.ends import volume_deletion, volumes

TAG = "volumes"
VolumesAnswer = enveloped_data("VolumesAnswer", volumes=VolumeOut(many=True), deletions=VolumeDeletionOut(many=True))
DeletionAnswer = enveloped_data("VolumeDeletionAnswer", deletion=VolumeDeletionOut())


class ProjectVolumes(BaseView):
    @documented(
        "listProjectVolumes",
        "List the project's volumes on all servers, orphaned ones first, and deletions",
        tag=TAG,
        answers={200: VolumesAnswer},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        return listed(
            volumes.list_project_volumes(caller=self.caller, project_id=project_id),
            volume_deletion.list_project_deletions(caller=self.caller, project_id=project_id),
        )


class DeleteProjectVolume(BaseView):
    @documented(
        "deleteProjectVolume",
        "Delete an orphaned volume and its data; refused while anything uses or names it",
        tag=TAG,
        takes=ProjectVolumeIn,
        answers={202: DeletionAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(ProjectVolumeIn, request.data)
        return accepted(
            volume_deletion.delete_project_volume(
                caller=self.caller,
                project_id=project_id,
                server_id=body["serverId"],
                name=body["name"],
                deletion_id=uuid4(),
                at=timezone.now(),
            )
        )


class ServerVolumes(BaseView):
    @documented(
        "listServerVolumes",
        "List all volumes of projects on your server, orphaned ones first, and deletions",
        tag=TAG,
        answers={200: VolumesAnswer},
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        return listed(
            volumes.list_server_volumes(caller=self.caller, server_id=server_id),
            volume_deletion.list_server_deletions(caller=self.caller, server_id=server_id),
        )


class DeleteServerVolume(BaseView):
    @documented(
        "deleteServerVolume",
        "Delete an orphaned volume on your server, its data with it; refused while anything uses or names it",
        tag=TAG,
        takes=ServerVolumeIn,
        answers={202: DeletionAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, server_id: UUID) -> Response:
        name = validated(ServerVolumeIn, request.data)["name"]
        return accepted(
            volume_deletion.delete_server_volume(
                caller=self.caller, server_id=server_id, name=name, deletion_id=uuid4(), at=timezone.now()
            )
        )


def listed(lines: Iterable[VolumeLine], deletions: Iterable[VolumeDeletionRecord]) -> Response:
    shapes = {
        "volumes": [volume_shape(line) for line in lines],
        "deletions": [deletion_shape(deletion) for deletion in deletions],
    }
    return success({"data": shapes})


def accepted(deletion: VolumeDeletionRecord) -> Response:
    return success({"data": {"deletion": deletion_shape(deletion)}}, status=202)


def volume_shape(line: VolumeLine) -> dict[str, Any]:
    return {
        "name": line.volume.name,
        "state": str(line.state),
        "serverId": str(line.server_id),
        "serverName": line.server_name,
        "projectId": str(line.project_id) if line.project_id else None,
        "projectName": line.project_name,
        "sizeBytes": line.volume.size_bytes,
        "createdAt": line.volume.created_ms or None,
        "usedBy": list(line.volume.used_by),
        "versions": list(line.versions),
        "seenAt": epoch_ms(line.seen_at),
        "unknown": line.why_unknown,
        "deleting": line.deleting,
    }


def deletion_shape(deletion: VolumeDeletionRecord) -> dict[str, Any]:
    return {
        "id": str(deletion.id),
        "name": deletion.volume,
        "projectName": deletion.project_name,
        "serverName": deletion.server_name,
        "sizeBytes": deletion.size_bytes,
        "state": str(deletion.state),
        "message": deletion.message,
        "requestedBy": deletion.requested_by,
        "requestedAt": epoch_ms(deletion.requested_at),
        "endedAt": epoch_ms(deletion.ended_at),
    }
