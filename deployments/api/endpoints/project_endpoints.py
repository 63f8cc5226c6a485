"""REST for projects: what is deployed, and how."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas import examples
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.api.schemas.project_responses import ProjectOut, ProjectWholeOut
from deployments.api.schemas.requests import ProjectChangeIn, ProjectIn, ProjectsQuery
from deployments.api.schemas.responses import PaginationOut
from deployments.event_types import epoch_ms
from deployments.services.permissions import access
from deployments.services.projects import project_settings, sources
from deployments.services.queries import stack_list
from deployments.services.queries.stack_list import StackLine
from deployments.types import ProjectRecord, Right
from deployments.wire import pagination_shape

SETTINGS = {
    "concurrency": "concurrency",
    "restoreOnFailure": "restore_on_failure",
    "healthDeadline": "health_deadline",
    "healthWindow": "health_window",
    "retention": "retention",
    "automaticRepair": "automatic_repair",
    "repairsPerHour": "repairs_per_hour",
    "soakMinutes": "soak_minutes",
    "encryptNetworks": "encrypt_networks",
}
TAG = "projects"
ProjectAnswer = enveloped("ProjectAnswer", project=ProjectOut())


class Projects(BaseView):
    @documented(
        "createProject",
        "Create a project",
        tag=TAG,
        takes=ProjectIn,
        answers={201: ProjectAnswer},
        key=True,
        examples=[examples.PROJECT],
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        body = validated(ProjectIn, request.data)
        project = sources.create_project(
            caller=self.caller, project_id=uuid4(), name=body["name"], settings=settings_in(body)
        )
        return success(
            {"project": project_shape(project)}, status=201, location=reverse("api-project", args=[project.id])
        )

    @documented(
        "listProjects",
        "List the projects that you can see, by name",
        tag=TAG,
        query=ProjectsQuery,
        answers={200: enveloped_data("ProjectsAnswer", projects=ProjectOut(many=True), pagination=PaginationOut())},
    )
    def get(self, request: Request) -> Response:
        query = validated(ProjectsQuery, request.query_params)
        page = project_settings.list_projects(
            caller=self.caller, name=query.get("name", ""), page=query.get("page", 1), limit=query.get("limit", 100)
        )
        seen = stack_list.stacks_by_project(project_ids=[project.id for project in page.items])
        projects = [
            {**project_shape(project), "stacks": [in_list(line) for line in seen.get(project.id, ())]}
            for project in page.items
        ]
        return success({"data": {"projects": projects, "pagination": pagination_shape(page)}})


class Project(BaseView):
    @documented(
        "getProject",
        "Get a project with its newest graph and the digests of its code",
        tag=TAG,
        answers={200: enveloped("ProjectWholeAnswer", project=ProjectWholeOut())},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        caller = self.caller
        project = access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
        graph = sources.latest_graph(caller=caller, project_id=project_id)
        graph_fields = {"graph": dict(graph.graph), "graphVersion": graph.version} if graph else {}
        code = sources.code_of(caller=caller, project_id=project_id)
        seen = stack_list.stacks_by_project(project_ids=[project_id]).get(project_id, ())
        more = {**graph_fields, "code": code, "stacks": [in_list(line) for line in seen]}
        return success({"project": {**project_shape(project), **more}})

    @documented(
        "changeProject",
        "Update the given fields of a project",
        tag=TAG,
        takes=ProjectChangeIn,
        answers={200: ProjectAnswer},
    )
    def patch(self, request: Request, project_id: UUID) -> Response:
        body = validated(ProjectChangeIn, request.data)
        changed = project_settings.change_project(
            caller=self.caller, project_id=project_id, name=body.get("name"), settings=settings_in(body)
        )
        return success({"project": project_shape(changed)})

    @documented("deleteProject", "Delete a project that was never deployed", tag=TAG, answers={204: None})
    def delete(self, request: Request, project_id: UUID) -> Response:
        project_settings.delete_project(caller=self.caller, project_id=project_id)
        return Response(status=204)


def settings_in(body: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that a body names, by our names."""
    return {ours: body[theirs] for theirs, ours in SETTINGS.items() if theirs in body}


def in_list(line: StackLine) -> dict[str, Any]:
    """Return how a stack is, without its services."""
    state = line.seen.state
    return {
        "serverId": str(line.server_id),
        "serverName": line.server_name,
        "state": str(state.condition),
        "since": state.since_ms,
        "seenAt": epoch_ms(line.seen.seen_at),
        "message": state.message,
    }


def project_shape(project: ProjectRecord) -> dict[str, Any]:
    return {
        "id": str(project.id),
        "userId": str(project.owner_id),
        "name": project.name,
        "slug": project.slug,
        "concurrency": project.concurrency,
        "restoreOnFailure": project.restore_on_failure,
        "healthDeadline": project.health_deadline,
        "healthWindow": project.health_window,
        "retention": project.retention,
        "automaticRepair": project.automatic_repair,
        "repairsPerHour": project.repairs_per_hour,
        "soakMinutes": project.soak_minutes,
        "encryptNetworks": project.encrypt_networks,
    }
