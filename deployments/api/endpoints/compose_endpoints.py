"""REST for Compose files, in and out, and for the project as one file."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.endpoints.graph_endpoints import TAG
from deployments.api.schemas.compose import ComposeIn, ComposeLineOut, ProjectFileIn, VersionQuery
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.services.projects import compose_files, project_file, stack_files
from stackgen.compose_import.notation.opened import UploadedFiles
from stackgen.compose_import.report import Line


class ProjectCompose(BaseView):
    @documented(
        "getCompose",
        "Export docker-compose.yml, .env.example and Dockerfiles of a graph version, to run without Axion Deploy",
        tag=TAG,
        query=VersionQuery,
        answers={
            200: enveloped_data(
                "ComposeFilesAnswer",
                files=serializers.DictField(child=serializers.CharField(), help_text="Name to text."),
            )
        },
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        version = validated(VersionQuery, request.query_params).get("version")
        files = stack_files.stack_files(caller=self.caller, project_id=project_id, version=version)
        return success({"data": {"files": files}})

    @documented(
        "putCompose",
        "Import Compose files as the next version of the graph, or preview it; changes made since are kept",
        tag=TAG,
        takes=ComposeIn,
        answers={
            200: enveloped_data(
                "ComposeAnswer",
                graphVersion=serializers.IntegerField(min_value=1, allow_null=True),
                lines=ComposeLineOut(many=True),
                code=serializers.DictField(child=serializers.CharField(), help_text="Node id to folder."),
            )
        },
    )
    def put(self, request: Request, project_id: UUID) -> Response:
        body = validated(ComposeIn, cast("dict[str, Any]", request.data))
        files = compose_files.checked_uploads({file["name"]: file["content"].encode() for file in body["files"]})
        result = compose_files.bring_compose(
            caller=self.caller,
            project_id=project_id,
            files=UploadedFiles(files),
            paths=body.get("order") or compose_files.compose_paths(list(files)),
            profiles=body.get("profiles", ()),
            store=not body.get("preview", False),
        )
        version = result.graph.version if result.graph else None
        lines = [line_shape(line) for line in result.lines]
        return success({"data": {"graphVersion": version, "lines": lines, "code": dict(result.code)}})


class ProjectFile(BaseView):
    @documented(
        "getProjectFile",
        "Export the project as YAML, without secret values and code; the text is stable",
        tag=TAG,
        answers={200: enveloped_data("ProjectFileAnswer", text=serializers.CharField())},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        return success({"data": {"text": project_file.export_project(caller=self.caller, project_id=project_id)}})

    @documented(
        "putProjectFile",
        "Import settings and graph from such a file; the project keeps its name, code and variables",
        tag=TAG,
        takes=ProjectFileIn,
        answers={
            200: enveloped_data(
                "ProjectFileStoredAnswer",
                graphVersion=serializers.IntegerField(min_value=1),
                missingCode=serializers.DictField(child=serializers.CharField()),
                missingVariables=serializers.ListField(child=serializers.CharField()),
            )
        },
    )
    def put(self, request: Request, project_id: UUID) -> Response:
        body = validated(ProjectFileIn, cast("dict[str, Any]", request.data))
        stored = project_file.import_file(caller=self.caller, project_id=project_id, text=body["text"])
        missing = {"missingCode": stored.missing_code, "missingVariables": list(stored.missing_variables)}
        return success({"data": {"graphVersion": stored.graph.version, **missing}})


def line_shape(line: Line) -> dict[str, Any]:
    return {
        "file": line.place.file,
        "line": line.place.line,
        "path": line.place.path,
        "node": line.node,
        "outcome": line.outcome.value,
        "text": line.text,
    }
