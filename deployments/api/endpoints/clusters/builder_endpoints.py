"""REST for the server that builds a cluster's images."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from agents.types import ServerData
from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.cluster_schemas import BuilderIn, BuilderOut
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.services.clusters import builders

TAG = "machines"
BuilderAnswer = enveloped_data("BuilderAnswer", builder=BuilderOut(allow_null=True))


class ClusterBuilder(BaseView):
    @documented(
        "getClusterBuilder",
        "Get the server that builds a cluster's images; null where the manager at work does",
        tag=TAG,
        answers={200: BuilderAnswer},
    )
    def get(self, request: Request, cluster_id: UUID) -> Response:
        return answer(builders.builder_of_cluster(caller=self.caller, cluster_id=cluster_id))

    @documented(
        "chooseClusterBuilder",
        "Choose the server that builds a cluster's images, from the next deployment on",
        tag=TAG,
        takes=BuilderIn,
        answers={200: BuilderAnswer},
    )
    def put(self, request: Request, cluster_id: UUID) -> Response:
        server_id = validated(BuilderIn, request.data)["serverId"]
        return answer(builders.choose_builder(caller=self.caller, cluster_id=cluster_id, server_id=server_id))


def answer(builder: ServerData | None) -> Response:
    shape: dict[str, Any] | None = {"id": str(builder.id), "name": builder.name} if builder else None
    return success({"data": {"builder": shape}})
