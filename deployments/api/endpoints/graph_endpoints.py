"""REST for what a project is made of: versions of its graph, and code."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.parsers import CONTENT, OctetsParser, TarParser
from deployments.api.schemas import examples
from deployments.api.schemas.openapi import TAR, documented, enveloped_data
from deployments.api.schemas.requests import GraphIn, PageQuery
from deployments.api.schemas.responses import CodeOut, GraphOut, GraphVersionOut, PaginationOut, string_list
from deployments.errors import NotFound
from deployments.event_types import epoch_ms
from deployments.services.projects import project_settings, sources
from deployments.types import GraphRecord
from deployments.wire import pagination_shape

TAG = "projects"
MAX_VERSION = 2**31 - 1


class ProjectGraph(BaseView):
    @documented(
        "putGraph",
        "Store the next version of the graph; with problems it is not stored, and all are listed by node and field",
        tag=TAG,
        takes=GraphIn,
        answers={
            200: enveloped_data(
                "GraphStoredAnswer", graphVersion=serializers.IntegerField(min_value=1), warnings=string_list()
            )
        },
        examples=[examples.GRAPH],
    )
    def put(self, request: Request, project_id: UUID) -> Response:
        graph = cast("dict[str, Any]", request.data)
        validated(GraphIn, graph)
        stored = sources.store_graph(caller=self.caller, project_id=project_id, graph=graph)
        return success({"data": {"graphVersion": stored.version, "warnings": list(stored.warnings)}})

    @documented(
        "getGraph",
        "Get the newest version of the graph",
        tag=TAG,
        answers={200: enveloped_data("GraphAnswer", graph=GraphOut())},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        graph = sources.latest_graph(caller=self.caller, project_id=project_id)
        if graph is None:
            raise NotFound("The project has no graph yet.")
        return success({"data": {"graph": graph_shape(graph)}})


class ProjectGraphs(BaseView):
    @documented(
        "listGraphs",
        "List versions of the graph, newest first",
        tag=TAG,
        query=PageQuery,
        answers={200: enveloped_data("GraphsAnswer", graphs=GraphVersionOut(many=True), pagination=PaginationOut())},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        query = validated(PageQuery, request.query_params)
        page = project_settings.list_graphs(
            caller=self.caller, project_id=project_id, page=query.get("page", 1), limit=query.get("limit", 20)
        )
        versions = [version_shape(graph) for graph in page.items]
        return success({"data": {"graphs": versions, "pagination": pagination_shape(page)}})


class ProjectGraphVersion(BaseView):
    @documented(
        "getGraphVersion",
        "Get a version of the graph",
        tag=TAG,
        answers={200: enveloped_data("GraphVersionAnswer", graph=GraphOut())},
    )
    def get(self, request: Request, project_id: UUID, version: int) -> Response:
        # What no column can hold was never stored.
        wanted = min(version, MAX_VERSION)
        graph = project_settings.get_graph(caller=self.caller, project_id=project_id, version=wanted)
        return success({"data": {"graph": graph_shape(graph)}})


class ProjectCode(BaseView):
    @documented(
        "listCode",
        "List the code of each node, used by the next deployment",
        tag=TAG,
        answers={200: enveloped_data("CodeAnswer", code=CodeOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        bundles = sources.list_code(caller=self.caller, project_id=project_id)
        shapes = [
            {
                "nodeId": bundle.node_id,
                "digest": bundle.digest,
                "size": bundle.size,
                "updatedAt": epoch_ms(bundle.updated_at),
            }
            for bundle in bundles
        ]
        return success({"data": {"code": shapes}})


class NodeCode(BaseView):
    parser_classes = (TarParser, OctetsParser)

    @documented(
        "putCode",
        "Upload the code of a node as a tar archive, used by the next deployment",
        tag=TAG,
        takes=TAR,
        answers={200: enveloped_data("CodeStoredAnswer", digest=serializers.CharField())},
    )
    def put(self, request: Request, project_id: UUID, node_id: str) -> Response:
        content: bytes = cast("dict[str, Any]", request.data).get(CONTENT, b"")
        digest = sources.store_code(caller=self.caller, project_id=project_id, node_id=node_id, content=content)
        return success({"data": {"digest": digest}})

    @documented("deleteCode", "Remove the code of a node", tag=TAG, answers={204: None})
    def delete(self, request: Request, project_id: UUID, node_id: str) -> Response:
        sources.remove_code(caller=self.caller, project_id=project_id, node_id=node_id)
        return Response(status=204)


def version_shape(graph: GraphRecord) -> dict[str, Any]:
    return {"graphVersion": graph.version, "createdAt": epoch_ms(graph.created_at)}


def graph_shape(graph: GraphRecord) -> dict[str, Any]:
    return {**version_shape(graph), "graph": dict(graph.graph)}
