"""REST for variables that stay from one deployment to the next. Values come in, and none ever goes out."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.api.schemas.variable_schemas import (
    ChangesQuery,
    EnvFileIn,
    PlaceQuery,
    VariableChangeOut,
    VariableOut,
    VariablesIn,
)
from deployments.data.variable_types import PROJECT_WIDE, ChangedVariable, Place, Scope, StoredVariable
from deployments.errors import Invalid
from deployments.event_types import epoch_ms
from deployments.services.projects import project_variables

TAG = "variables"


class ProjectVariables(BaseView):
    @documented(
        "listVariables",
        "List the variables of every deployment of the project: names, who set each and when",
        tag=TAG,
        answers={200: enveloped_data("VariablesAnswer", variables=VariableOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        return listed(project_variables.list_variables(caller=self.caller, project_id=project_id))

    @documented(
        "changeVariables",
        "Set and remove variables of the project, of one of its targets or of a node; all or nothing",
        tag=TAG,
        takes=VariablesIn,
        answers={200: enveloped_data("VariablesChangedAnswer", variables=VariableOut(many=True))},
    )
    def patch(self, request: Request, project_id: UUID) -> Response:
        body = validated(VariablesIn, request.data)
        return listed(
            project_variables.change_variables(
                caller=self.caller,
                project_id=project_id,
                place=place_in(body),
                values=body.get("variables", {}),
                remove=body.get("remove", ()),
                at=timezone.now(),
            )
        )


class VariablesFile(BaseView):
    @documented(
        "exportVariables",
        "Get a .env file with the names of one scope, to be filled in; it has no values",
        tag=TAG,
        query=PlaceQuery,
        answers={200: enveloped_data("VariablesFileAnswer", text=serializers.CharField())},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        place = place_in(validated(PlaceQuery, request.query_params))
        text = project_variables.export_env_file(caller=self.caller, project_id=project_id, place=place)
        return success({"data": {"text": text}})

    @documented(
        "importVariables",
        "Set variables from a .env file; those that are not in the file are kept",
        tag=TAG,
        takes=EnvFileIn,
        answers={200: enveloped_data("VariablesImportedAnswer", variables=VariableOut(many=True))},
    )
    def put(self, request: Request, project_id: UUID) -> Response:
        body = validated(EnvFileIn, request.data)
        return listed(
            project_variables.import_env_file(
                caller=self.caller,
                project_id=project_id,
                place=place_in(body),
                text=body["text"],
                at=timezone.now(),
            )
        )


class VariableChanges(BaseView):
    @documented(
        "listVariableChanges",
        "List who set or removed which variable, newest first",
        tag=TAG,
        query=ChangesQuery,
        answers={200: enveloped_data("VariableChangesAnswer", changes=VariableChangeOut(many=True))},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        query = validated(ChangesQuery, request.query_params)
        found = project_variables.list_changes(caller=self.caller, project_id=project_id, limit=query.get("limit", 50))
        return success({"data": {"changes": [change_shape(each) for each in found]}})


def place_in(body: Mapping[str, Any]) -> Place:
    """Return what the variables belong to. Raise Invalid when it is two things at once."""
    server, node = body.get("serverId"), body.get("nodeId")
    if server and node:
        raise Invalid("A variable belongs to a target or to a node, not to both.", details={"nodeId": "with serverId"})
    if server:
        return Place(scope=Scope.TARGET, key=str(server))
    return Place(scope=Scope.NODE, key=str(node)) if node else PROJECT_WIDE


def listed(found: Iterable[StoredVariable]) -> Response:
    return success({"data": {"variables": [variable_shape(each) for each in found]}})


def place_shape(place: Place) -> dict[str, Any]:
    return {
        "scope": str(place.scope),
        "serverId": place.key if place.scope is Scope.TARGET else None,
        "nodeId": place.key if place.scope is Scope.NODE else None,
    }


def variable_shape(variable: StoredVariable) -> dict[str, Any]:
    return {
        **place_shape(variable.place),
        "name": variable.name,
        "version": variable.version,
        "setBy": variable.set_by,
        "setAt": epoch_ms(variable.set_at),
    }


def change_shape(change: ChangedVariable) -> dict[str, Any]:
    return {
        **place_shape(change.place),
        "name": change.name,
        "version": change.version,
        "action": change.action,
        "by": change.by,
        "at": epoch_ms(change.at),
    }
