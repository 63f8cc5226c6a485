"""REST for projects: what is deployed."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any, cast
from uuid import UUID, uuid4

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.common import Door, checked, ok
from deployments.api.once import once
from deployments.api.parsers import CONTENT, OctetsParser, TarParser
from deployments.api.serializers import GraphIn, ProjectIn
from deployments.services import access, sources
from deployments.types import ProjectRecord, Right

SETTINGS = {
    "concurrency": "concurrency",
    "restoreOnFailure": "restore_on_failure",
    "healthDeadline": "health_deadline",
    "healthWindow": "health_window",
    "retention": "retention",
}


class Projects(Door):
    @once()
    def post(self, request: Request) -> Response:
        body = checked(ProjectIn, request.data)
        settings = {ours: body[theirs] for theirs, ours in SETTINGS.items() if theirs in body}
        made = sources.create_project(caller=self.caller, project_id=uuid4(), name=body["name"], settings=settings)
        return ok({"project": project_shape(made)}, status=201, location=reverse("api-project", args=[made.id]))

    def get(self, request: Request) -> Response:
        return ok({"data": {"projects": [project_shape(project) for project in access.projects_of(self.caller)]}})


class Project(Door):
    """The project with its newest graph and the digests of its code."""

    def get(self, request: Request, project_id: UUID) -> Response:
        caller = self.caller
        project = access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
        graph = sources.latest_graph(caller=caller, project_id=project_id)
        drawn = {"graph": dict(graph.graph), "graphVersion": graph.version} if graph else {}
        code = sources.code_of(caller=caller, project_id=project_id)
        return ok({"project": {**project_shape(project), **drawn, "code": code}})


class ProjectGraph(Door):
    """PUT stores the graph as the next version; every problem is answered by node and field, and nothing stored."""

    def put(self, request: Request, project_id: UUID) -> Response:
        graph = cast("dict[str, Any]", request.data)
        checked(GraphIn, graph)
        stored = sources.store_graph(caller=self.caller, project_id=project_id, graph=graph)
        return ok({"data": {"graphVersion": stored.version}})


class NodeCode(Door):
    """PUT takes a tar as the body: the code that the node is built from at its next deployment."""

    parser_classes = (TarParser, OctetsParser)

    def put(self, request: Request, project_id: UUID, node_id: str) -> Response:
        content: bytes = cast("dict[str, Any]", request.data).get(CONTENT, b"")
        digest = sources.store_code(caller=self.caller, project_id=project_id, node_id=node_id, content=content)
        return ok({"data": {"digest": digest}})


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
    }
