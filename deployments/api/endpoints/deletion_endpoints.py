"""REST for the end of a project."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.end_schemas import ProjectDeletionIn, ProjectDeletionOut
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.data.end_types import ProjectDeletionRecord
from deployments.errors import NotFound
from deployments.event_types import epoch_ms
from deployments.services.ends import project_deletion

TAG = "projects"
DeletionAnswer = enveloped_data("ProjectDeletionAnswer", deletion=ProjectDeletionOut())


class ProjectDeletion(BaseView):
    @documented(
        "getProjectDeletion",
        "Get the state of the project's deletion; 404 if none was requested",
        tag=TAG,
        answers={200: DeletionAnswer},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        found = project_deletion.deletion_of(caller=self.caller, project_id=project_id)
        if found is None:
            raise NotFound("The deletion of this project has not been requested.")
        return success({"data": {"deletion": deletion_shape(found)}})

    @documented(
        "beginProjectDeletion",
        "Stop the project everywhere, delete its volumes if wanted, and free its name; its history stays readable",
        tag=TAG,
        takes=ProjectDeletionIn,
        answers={202: DeletionAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, project_id: UUID) -> Response:
        body = validated(ProjectDeletionIn, request.data)
        begun = project_deletion.delete_project(
            caller=self.caller,
            project_id=project_id,
            typed_name=body["name"],
            delete_volumes=body.get("deleteVolumes", False),
        )
        return success({"data": {"deletion": deletion_shape(begun)}}, status=202)

    @documented(
        "cancelProjectDeletion",
        "Keep the project, while its deletion has removed nothing; what was stopped stays stopped",
        tag=TAG,
        answers={204: None},
    )
    def delete(self, request: Request, project_id: UUID) -> Response:
        project_deletion.cancel_deletion(caller=self.caller, project_id=project_id)
        return Response(status=204)


def deletion_shape(deletion: ProjectDeletionRecord) -> dict[str, Any]:
    return {
        "projectId": str(deletion.project_id),
        "name": deletion.name,
        "deleteVolumes": deletion.delete_volumes,
        "state": str(deletion.state),
        "message": deletion.message,
        "requestedBy": deletion.requested_by,
        "requestedAt": epoch_ms(deletion.requested_at),
        "endedAt": epoch_ms(deletion.ended_at),
    }
