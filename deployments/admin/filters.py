"""Filters of lists; their choices never come from the large table."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from deployments.admin import badges
from deployments.admin.ownership import caller_in
from deployments.data.list_types import DeploymentFilter
from deployments.models import Deployment, Project, ProjectMember, User
from deployments.repositories import projects
from deployments.repositories.paging import pages
from deployments.services.permissions import access
from deployments.states import Kind, Result

E = TypeVar("E", bound=StrEnum)


def chosen_filter(request: HttpRequest) -> DeploymentFilter:
    """Return what the filters of the list of deployments choose; nonsense chooses nothing."""
    return DeploymentFilter(
        result=member_of(Result, request.GET.get(ResultFilter.parameter_name)),
        kind=member_of(Kind, request.GET.get(KindFilter.parameter_name)),
        requested_by_id=chosen_id(request, RequesterFilter.parameter_name),
    )


def chosen_project(request: HttpRequest) -> UUID | None:
    """Return the project that the list is narrowed to; nonsense chooses none."""
    return chosen_id(request, ProjectFilter.parameter_name)


def chosen_id(request: HttpRequest, name: str) -> UUID | None:
    """Return the id under this name in the address; None for nothing and for nonsense."""
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None


def member_of(kind: type[E], value: str | None) -> E | None:
    """Return the member with this value; None for nothing and for nonsense."""
    return kind(value) if value in set(kind) else None


class FieldFilter(SimpleListFilter):
    """A field of DeploymentFilter, by its name: pages and totals are those that REST gives for it."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        field = str(self.parameter_name)
        value = getattr(chosen_filter(request), field)
        return queryset if value is None else queryset.filter(**{field: value})


class ResultFilter(SimpleListFilter):
    """By the word that the list shows, so that whoever looks for failures finds all that are called so."""

    title = "status"
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(result), badge.label) for result, badge in badges.RESULT.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        result = chosen_filter(request).result
        return queryset if result is None else queryset.filter(pages.rows_with(result))


class KindFilter(FieldFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, label) for kind, label in badges.KIND.items() if kind != Kind.UNKNOWN]


class RequesterFilter(FieldFilter):
    """By who asked for it, of those who belong to the projects that the caller may see, and the caller.

    Who has left is no choice any more; the address takes their id all the same.
    """

    title = "who asked for it"
    parameter_name = "requested_by_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        caller = caller_in(request)
        seen = projects.visible(caller=caller).order_by().values("pk")
        owners = Project.objects.filter(pk__in=seen).order_by().values("owner")
        members = ProjectMember.objects.filter(project__in=seen).order_by().values("user")
        people = User.objects.filter(Q(pk=caller.user_id) | Q(pk__in=owners) | Q(pk__in=members)).order_by("username")
        return [(str(key), name) for key, name in people.values_list("pk", "username")[: access.MAX_LISTED]]


class ProjectFilter(SimpleListFilter):
    title = "project"
    parameter_name = "project"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(project.id), project.name) for project in access.projects_of(caller_in(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        project_id = chosen_project(request)
        return queryset if project_id is None else queryset.filter(project=project_id)


DEPLOYMENT_FILTERS = (ResultFilter, KindFilter, RequesterFilter, ProjectFilter)


class LastStatusFilter(SimpleListFilter):
    """A filter of projects, by the annotations `newest_status` and its neighbours."""

    title = "last deployment"
    parameter_name = "last"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((str(result), badge.label) for result, badge in badges.RESULT.items()), ("never", "Never deployed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "never":
            return queryset.filter(newest_status__isnull=True)
        result = member_of(Result, self.value())
        return queryset if result is None else queryset.filter(pages.rows_with(result, prefix="newest_"))
