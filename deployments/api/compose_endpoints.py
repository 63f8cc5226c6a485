"""REST for Compose files: what they say becomes the project's graph."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.graph_endpoints import TAG
from deployments.api.schemas.compose import ComposeIn, ComposeLineOut
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.services.projects import compose_files
from stackgen.compose_import.notation.opened import UploadedFiles
from stackgen.compose_import.report import Line


class ProjectCompose(BaseView):
    @documented(
        "putCompose",
        "Make the next version of the graph of Compose files, or only tell what it would be; what people changed stays",
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


def line_shape(line: Line) -> dict[str, Any]:
    return {
        "file": line.place.file,
        "line": line.place.line,
        "path": line.place.path,
        "node": line.node,
        "outcome": line.outcome.value,
        "text": line.text,
    }
