"""REST for incidents: look, take care of one, ask not to be told for a while."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.schemas.observation_schemas import IncidentOut, IncidentsQuery, MuteIn
from deployments.api.schemas.openapi import NO_BODY, documented, enveloped, enveloped_data
from deployments.api.schemas.responses import PaginationOut
from deployments.data.incident_types import IncidentRecord
from deployments.scopes import Scope
from deployments.services.incidents import people
from deployments.wire import incident_shape, pagination_shape

TAG = "incidents"
IncidentAnswer = enveloped("IncidentAnswer", incident=IncidentOut())


class Incidents(BaseView):
    @documented(
        "listIncidents",
        "List the incidents of stacks that you can see, newest first",
        tag=TAG,
        query=IncidentsQuery,
        answers={200: enveloped_data("IncidentsAnswer", incidents=IncidentOut(many=True), pagination=PaginationOut())},
    )
    def get(self, request: Request) -> Response:
        query = validated(IncidentsQuery, request.query_params)
        page = people.list_incidents(
            caller=self.caller,
            project_id=query.get("projectId"),
            still_open=query.get("open"),
            page=query.get("page", 1),
            limit=query.get("limit", 20),
        )
        return success({"data": {"incidents": shapes_of(page.items), "pagination": pagination_shape(page)}})


class Incident(BaseView):
    @documented("getIncident", "Get an incident", tag=TAG, answers={200: IncidentAnswer})
    def get(self, request: Request, incident_id: UUID) -> Response:
        return answer(people.get_incident(caller=self.caller, incident_id=incident_id))


class AcknowledgeIncident(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "acknowledgeIncident",
        "Acknowledge an incident; the first person to do so is kept",
        tag=TAG,
        takes=NO_BODY,
        answers={200: IncidentAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, incident_id: UUID) -> Response:
        return answer(people.acknowledge(caller=self.caller, incident_id=incident_id, at=timezone.now()))


class MuteIncident(BaseView):
    needs = Scope.DEPLOY

    @documented(
        "muteIncident",
        "Mute an incident for a number of minutes; 0 unmutes it",
        tag=TAG,
        takes=MuteIn,
        answers={200: IncidentAnswer},
        key=True,
    )
    @idempotent()
    def post(self, request: Request, incident_id: UUID) -> Response:
        minutes = validated(MuteIn, request.data)["minutes"]
        muted = people.mute(caller=self.caller, incident_id=incident_id, minutes=minutes, at=timezone.now())
        return answer(muted)


def answer(incident: IncidentRecord) -> Response:
    (shape,) = shapes_of((incident,))
    return success({"incident": shape})


def shapes_of(incidents: tuple[IncidentRecord, ...]) -> list[dict[str, Any]]:
    names = people.server_names(incidents)
    return [incident_shape(incident, server_name=names[incident.server_id]) for incident in incidents]
