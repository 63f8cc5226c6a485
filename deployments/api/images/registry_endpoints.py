"""REST for registries: where private images come from, and where a cluster's go."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.api.schemas.registry_schemas import (
    ClusterRegistryIn,
    RegistriesQuery,
    RegistryChangeIn,
    RegistryIn,
    RegistryOut,
    RegistryTestIn,
)
from deployments.data.registry_types import NewRegistry, RegistryChange, RegistryRecord
from deployments.event_types import epoch_ms
from deployments.services.registries import registries
from deployments.services.requests import check_registry

TAG = "registries"
NAMESPACE = "axion"
RegistryAnswer = enveloped("RegistryAnswer", registry=RegistryOut())
ClusterRegistryAnswer = enveloped("ClusterRegistryAnswer", registry=RegistryOut(allow_null=True))


class Registries(BaseView):
    @documented(
        "listRegistries",
        "List your registries and those of projects that you can see, without passwords",
        tag=TAG,
        query=RegistriesQuery,
        answers={200: enveloped_data("RegistriesAnswer", registries=RegistryOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        query = validated(RegistriesQuery, request.query_params)
        found = registries.list_registries(caller=self.caller, project_id=query.get("projectId"))
        return success({"data": {"registries": [registry_shape(registry) for registry in found]}})

    @documented(
        "addRegistry",
        "Add a registry for yourself or one of your projects; its password is never shown again",
        tag=TAG,
        takes=RegistryIn,
        answers={201: RegistryAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        new = registry_in(validated(RegistryIn, request.data))
        made = registries.add_registry(caller=self.caller, new=new, at=timezone.now())
        location = reverse("api-registry", args=[made.id])
        return success({"registry": registry_shape(made)}, status=201, location=location)


class Registry(BaseView):
    @documented("getRegistry", "Get a registry, without its password", tag=TAG, answers={200: RegistryAnswer})
    def get(self, request: Request, registry_id: UUID) -> Response:
        found = registries.get_registry(caller=self.caller, registry_id=registry_id)
        return success({"registry": registry_shape(found)})

    @documented(
        "changeRegistry",
        "Change a registry's name, login or authorities; what is not named stays",
        tag=TAG,
        takes=RegistryChangeIn,
        answers={200: RegistryAnswer},
    )
    def patch(self, request: Request, registry_id: UUID) -> Response:
        body = validated(RegistryChangeIn, request.data)
        change = RegistryChange(
            name=body.get("name"),
            username=body.get("username"),
            password=body.get("password"),
            ca_certificate=body.get("caCertificate"),
            namespace=body.get("namespace"),
        )
        changed = registries.change_registry(
            caller=self.caller, registry_id=registry_id, change=change, at=timezone.now()
        )
        return success({"registry": registry_shape(changed)})

    @documented("deleteRegistry", "Delete a registry here; its images stay in it", tag=TAG, answers={204: None})
    def delete(self, request: Request, registry_id: UUID) -> Response:
        registries.delete_registry(caller=self.caller, registry_id=registry_id)
        return Response(status=204)


class RegistryTest(BaseView):
    @documented(
        "testRegistry",
        "Try a registry from one of your servers: address, certificate, password, and whether images may be pushed",
        tag=TAG,
        takes=RegistryTestIn,
        answers={202: RegistryAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, registry_id: UUID) -> Response:
        server_id = validated(RegistryTestIn, request.data)["serverId"]
        tested = check_registry.check_registry(
            caller=self.caller, registry_id=registry_id, server_id=server_id, check_id=uuid4()
        )
        return success({"registry": registry_shape(tested)}, status=202)


class ClusterRegistry(BaseView):
    @documented(
        "getClusterRegistry",
        "Get the registry that was chosen for a cluster; null for the installation's",
        tag=TAG,
        answers={200: ClusterRegistryAnswer},
    )
    def get(self, request: Request, cluster_id: UUID) -> Response:
        found = registries.registry_of_cluster(caller=self.caller, cluster_id=cluster_id)
        return success({"registry": registry_shape(found) if found else None})

    @documented(
        "chooseClusterRegistry",
        "Choose the registry that a cluster's images go through",
        tag=TAG,
        takes=ClusterRegistryIn,
        answers={200: ClusterRegistryAnswer},
    )
    def put(self, request: Request, cluster_id: UUID) -> Response:
        body = validated(ClusterRegistryIn, request.data)
        chosen = registries.choose_for_cluster(
            caller=self.caller, cluster_id=cluster_id, registry_id=body["registryId"]
        )
        return success({"registry": registry_shape(chosen) if chosen else None})


def registry_in(body: Mapping[str, Any]) -> NewRegistry:
    """Return the registry that a body asks for."""
    return NewRegistry(
        name=body["name"],
        address=body["address"],
        username=body.get("username", ""),
        password=body.get("password", ""),
        ca_certificate=body.get("caCertificate", ""),
        namespace=body.get("namespace", NAMESPACE),
        project_id=body.get("projectId"),
        of_installation=body.get("everybody", False),
    )


def registry_shape(registry: RegistryRecord) -> dict[str, Any]:
    return {
        "id": str(registry.id),
        "name": registry.name,
        "address": registry.address,
        "namespace": registry.namespace,
        "username": registry.username,
        "caCertificate": registry.ca_certificate,
        "projectId": str(registry.project_id or ""),
        "projectName": registry.project_name,
        "everybody": registry.of_installation,
        "createdAt": epoch_ms(registry.created_at),
        "changedAt": epoch_ms(registry.changed_at),
        "test": {
            "state": str(registry.check_state),
            "message": registry.check_message,
            "serverName": registry.check_server_name,
            "at": epoch_ms(registry.checked_at),
        },
    }
