"""REST for the audit log: who changed what, of a project, of a server or cluster, and of a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.api.schemas.requests import PageQuery
from deployments.api.schemas.responses import PaginationOut
from deployments.api.schemas.team_schemas import AuditEntryOut
from deployments.data.audit_types import AuditRecord
from deployments.data.list_types import Page
from deployments.event_types import epoch_ms
from deployments.services.queries import audit_view
from deployments.wire import pagination_shape

TAG = "audit"
AuditAnswer = enveloped_data("AuditAnswer", entries=AuditEntryOut(many=True), pagination=PaginationOut())


class ProjectAudit(BaseView):
    @documented(
        "getProjectAudit",
        "Get who changed members, settings, variables and servers of the project, newest first",
        tag=TAG,
        query=PageQuery,
        answers={200: AuditAnswer},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        query = validated(PageQuery, request.query_params)
        return answer(audit_view.of_project(caller=self.caller, project_id=project_id, **query))


class ServerAudit(BaseView):
    @documented(
        "getServerAudit",
        "Get who changed the server, its agents, its enrolment tokens and who may use it, newest first",
        tag=TAG,
        query=PageQuery,
        answers={200: AuditAnswer},
    )
    def get(self, request: Request, server_id: UUID) -> Response:
        query = validated(PageQuery, request.query_params)
        return answer(audit_view.of_machine(caller=self.caller, machine_id=server_id, **query))


class ClusterAudit(BaseView):
    @documented(
        "getClusterAudit",
        "Get who changed the cluster, newest first",
        tag=TAG,
        query=PageQuery,
        answers={200: AuditAnswer},
    )
    def get(self, request: Request, cluster_id: UUID) -> Response:
        query = validated(PageQuery, request.query_params)
        return answer(audit_view.of_machine(caller=self.caller, machine_id=cluster_id, **query))


class PersonAudit(BaseView):
    @documented(
        "getPersonAudit",
        "Get what a person changed and what was changed of them, newest first; others' for administrators alone",
        tag=TAG,
        query=PageQuery,
        answers={200: AuditAnswer},
    )
    def get(self, request: Request, person_id: UUID) -> Response:
        query = validated(PageQuery, request.query_params)
        return answer(audit_view.of_person(caller=self.caller, person_id=person_id, **query))


def answer(page: Page[AuditRecord]) -> Response:
    return success(
        {"data": {"entries": [entry_shape(each) for each in page.items], "pagination": pagination_shape(page)}}
    )


def entry_shape(entry: AuditRecord) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": epoch_ms(entry.at),
        "actorId": str(entry.actor_id),
        "actor": entry.actor,
        "action": entry.action,
        "detail": entry.detail,
        "projectId": str(entry.project_id) if entry.project_id else None,
        "serverId": str(entry.server_id) if entry.server_id else None,
        "personId": str(entry.person_id) if entry.person_id else None,
    }
