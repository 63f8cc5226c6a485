"""Filters of lists; their choices never come from the large table."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext

from agents.models import Cluster, Server
from agents.wording.pages import lazy, shown
from deployments.admin import badges
from deployments.admin.ownership import caller_in
from deployments.data.list_types import DeploymentFilter
from deployments.models import Deployment, Project, ProjectMember, StackState, User
from deployments.repositories import projects
from deployments.repositories.paging import pages
from deployments.repositories.people import group_rows
from deployments.services.permissions import access
from deployments.states import REASON_LABELS, Kind, Reason, Result

E = TypeVar("E", bound=StrEnum)
PERIODS = {"1": timedelta(days=1), "7": timedelta(days=7), "30": timedelta(days=30)}
OLD, OLDER = "older", timedelta(days=30)


def chosen_filter(request: HttpRequest) -> DeploymentFilter:
    """Return what the filters of the list of deployments choose; nonsense chooses nothing."""
    period = request.GET.get(PeriodFilter.parameter_name, "")
    return DeploymentFilter(
        result=member_of(Result, request.GET.get(ResultFilter.parameter_name)),
        kind=member_of(Kind, request.GET.get(KindFilter.parameter_name)),
        reason=member_of(Reason, request.GET.get(ReasonFilter.parameter_name) or None),
        requested_by_id=chosen_id(request, RequesterFilter.parameter_name),
        target_id=chosen_id(request, TargetFilter.parameter_name),
        created_from=timezone.now() - PERIODS[period] if period in PERIODS else None,
        created_until=timezone.now() - OLDER if period == OLD else None,
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

    title = lazy("status")
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(result), badge.label) for result, badge in badges.RESULT.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        result = chosen_filter(request).result
        return queryset if result is None else queryset.filter(pages.rows_with(result))


class KindFilter(FieldFilter):
    title = lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, label) for kind, label in badges.KIND.items() if kind != Kind.UNKNOWN]


class RequesterFilter(FieldFilter):
    """By who asked for it, of those who belong to the projects that the caller may see, and the caller.

    Who has left is no choice any more; the address takes their id all the same.
    """

    title = lazy("user")
    parameter_name = "requested_by_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        caller = caller_in(request)
        seen = projects.visible(caller=caller).order_by().values("pk")
        owners = Project.objects.filter(pk__in=seen).order_by().values("owner")
        members = ProjectMember.objects.filter(project__in=seen).order_by().values("user")
        grouped = group_rows.people_in(seen)
        known = Q(pk=caller.user_id) | Q(pk__in=owners) | Q(pk__in=members) | Q(pk__in=grouped)
        people = User.objects.filter(known).order_by("username")
        return [(str(key), name) for key, name in people.values_list("pk", "username")[: access.MAX_LISTED]]


class ReasonFilter(FieldFilter):
    title = lazy("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(reason), shown(label).capitalize()) for reason, label in REASON_LABELS.items()]


class TargetFilter(FieldFilter):
    """By the server or cluster: the caller's own, and those on which projects that they see were observed."""

    title = lazy("target")
    parameter_name = "target_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        caller = caller_in(request)
        mine = Q() if caller.sees_everything else Q(owner=caller.user_id)
        seen = projects.visible(caller=caller).order_by().values("pk")
        ran = StackState.objects.filter(project__in=seen).order_by().values("server_id")
        servers = Server.objects.filter(mine | Q(pk__in=ran)).values_list("pk", "name").order_by("name")
        clusters = Cluster.objects.filter(mine).values_list("pk", "name").order_by("name")
        known = [*servers[: access.MAX_LISTED], *clusters[: access.MAX_LISTED]]
        return [(str(key), name) for key, name in known]


class PeriodFilter(SimpleListFilter):
    title = lazy("date")
    parameter_name = "asked"
    fields = ("created_from", "created_until")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("1", gettext("Past 24 hours")),
            ("7", gettext("Past 7 days")),
            ("30", gettext("Past 30 days")),
            (OLD, gettext("More than 30 days ago")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        chosen = chosen_filter(request)
        dates = DeploymentFilter(created_from=chosen.created_from, created_until=chosen.created_until)
        return queryset.filter(**pages.Selection(project_ids=None, matching=dates).conditions())


class ProjectFilter(SimpleListFilter):
    title = lazy("project")
    parameter_name = "project"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(project.id), project.name) for project in access.projects_of(caller_in(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> QuerySet[Deployment]:
        project_id = chosen_project(request)
        return queryset if project_id is None else queryset.filter(project=project_id)


DEPLOYMENT_FILTERS = (
    ResultFilter,
    ReasonFilter,
    PeriodFilter,
    TargetFilter,
    ProjectFilter,
    RequesterFilter,
    KindFilter,
)


class LastStatusFilter(SimpleListFilter):
    """A filter of projects, by the annotations `newest_status` and its neighbours."""

    title = lazy("last deployment")
    parameter_name = "last"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            *((str(result), badge.label) for result, badge in badges.RESULT.items()),
            ("never", gettext("Never deployed")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "never":
            return queryset.filter(newest_status__isnull=True)
        result = member_of(Result, self.value())
        return queryset if result is None else queryset.filter(pages.rows_with(result, prefix="newest_"))
