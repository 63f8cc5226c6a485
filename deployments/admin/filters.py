"""Filters of lists. None looks for its choices in the large table."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from deployments.admin import badges
from deployments.admin.ownership import caller_in
from deployments.models import Deployment
from deployments.services.permissions import access
from deployments.states import Kind, Status


def chosen_status(value: str | None) -> Status | None:
    """None for nothing chosen and for nonsense."""
    return Status(value) if value in set(Status) else None


def chosen_project(value: str | None) -> UUID | None:
    """None for nothing chosen and for nonsense."""
    try:
        return UUID(value or "")
    except ValueError:
        return None


class StatusFilter(SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(status), badge.label) for status, badge in badges.STATUS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        status = chosen_status(self.value())
        return queryset if status is None else queryset.filter(status=status)


class KindFilter(SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, word) for kind, word in badges.KIND.items() if kind != Kind.UNKNOWN]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        return queryset.filter(kind=self.value()) if self.value() in badges.KIND else queryset


class ProjectFilter(SimpleListFilter):
    title = "project"
    parameter_name = "project"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(project.id), project.name) for project in access.projects_of(caller_in(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        project_id = chosen_project(self.value())
        return queryset if project_id is None else queryset.filter(project=project_id)


class LastStatusFilter(SimpleListFilter):
    """Of projects, by the annotation `newest_status`."""

    title = "last deployment"
    parameter_name = "last"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((str(status), badge.label) for status, badge in badges.STATUS.items()), ("never", "Never deployed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "never":
            return queryset.filter(newest_status__isnull=True)
        return queryset.filter(newest_status=self.value()) if self.value() in set(Status) else queryset
