"""Incidents in the admin: what is wrong, since when, what was deployed last, and the way back."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agents.models import Server
from agents.templatetags.moments import render_moment
from agents.wording.pages import lazy
from deployments.admin import badges
from deployments.admin.observation.mute_form import MUTES, minutes_in
from deployments.admin.own_forms import UseCaseRowsMixin
from deployments.admin.ownership import caller_in, or_404, uuid_or_404
from deployments.admin.page_responses import render_page, show_error
from deployments.data.incident_types import IncidentRecord
from deployments.errors import DeployError
from deployments.models import Incident
from deployments.repositories import projects
from deployments.services.incidents import people
from deployments.services.notifications import mutes
from deployments.services.permissions import access
from deployments.services.queries import lookups
from deployments.types import Caller, DeploymentRecord, Right

PAGE = "admin/deployments/incident/page.html"


class OpenFilter(SimpleListFilter):
    title = lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", gettext("Open")), ("closed", gettext("Over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {"open": True, "closed": False}
        value = str(self.value())
        return queryset.filter(closed_at__isnull=known[value]) if value in known else queryset


@admin.register(Incident)
class IncidentAdmin(UseCaseRowsMixin, ModelAdmin):
    list_display = ("what", "how_bad", "project_name", "server_name", "since", "state")
    list_display_links = ("what",)
    list_select_related = ("project", "acknowledged_by")
    list_filter = (OpenFilter,)
    ordering = ("-opened_at", "-id")
    empty_title = lazy("No incidents")
    empty_hint = lazy("Problems with running applications are listed here.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        rows: QuerySet[Incident] = super().get_queryset(request)
        caller = caller_in(request)
        if not caller.sees_everything:
            rows = rows.filter(project__in=projects.visible(caller=caller).values("pk"))
        server = Server.objects.filter(pk=OuterRef("server_id")).values("name")
        return rows.defer("containers", "log_tail").annotate(server_called=Subquery(server))

    @display(description=lazy("What"))
    def what(self, row: Incident) -> str:
        return badges.cause_words(row.cause)

    @display(description=lazy("Severity"))
    def how_bad(self, row: Incident) -> SafeString:
        return badges.render_badge(badges.SEVERITY.get(row.severity, badges.UNKNOWN_SEVERITY))

    @display(description=lazy("Project"))
    def project_name(self, row: Incident) -> str:
        return row.project.name

    @display(description=lazy("Server"))
    def server_name(self, row: Any) -> str:
        return str(row.server_called or row.server_id)

    @display(description=lazy("Since"))
    def since(self, row: Incident) -> SafeString:
        return render_moment(moment_of(row.since_ms))

    @display(description=lazy("State"))
    def state(self, row: Incident) -> SafeString:
        return badges.render_badge(badges.incident_badge(closed=bool(row.closed_at), taken=bool(row.acknowledged_at)))

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.route_to(require_POST(self.acknowledge_view), "<uuid:object_id>/acknowledge/", name="acknowledge"),
            self.route_to(require_POST(self.mute_view), "<uuid:object_id>/mute/", name="mute"),
        ]
        return own + list(super().get_urls())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the incident."""
        caller = caller_in(request)
        incident = or_404(people.get_incident, caller=caller, incident_id=uuid_or_404(object_id))
        deployed, title = deployed_with(caller, incident), str(badges.cause_words(incident.cause))
        return render_page(
            request,
            PAGE,
            title=title,
            of=Incident(pk=incident.id, cause=incident.cause, project_id=incident.project_id),
            called=title,
            incident=incident,
            server_name=people.server_names((incident,))[incident.server_id],
            since=moment_of(incident.since_ms),
            severity=badges.SEVERITY.get(incident.severity, badges.UNKNOWN_SEVERITY),
            state=badges.incident_badge(closed=not incident.is_open, taken=bool(incident.acknowledged_at)),
            containers=[with_moments(dict(container)) for container in incident.containers],
            deployed=deployed,
            deployed_kind=badges.KIND.get(deployed.kind, badges.KIND["unknown"]) if deployed else "",
            muted=incident.muted_until is not None and incident.muted_until > timezone.now(),
            project_muted=mutes.project_muted_until(project_id=incident.project_id, at=timezone.now()),
            may_mute_all=access.may(caller=caller, project_id=incident.project_id, right=Right.CHANGE),
            mutes=MUTES,
            may_act=incident.is_open and access.may(caller=caller, project_id=incident.project_id, right=Right.DEPLOY),
        )

    def acknowledge_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        caller = caller_in(request)
        or_404(people.get_incident, caller=caller, incident_id=object_id)
        try:
            people.acknowledge(caller=caller, incident_id=object_id, at=timezone.now())
            messages.success(request, gettext("Incident acknowledged."))
        except DeployError as error:
            show_error(request, error)
        return redirect("admin:deployments_incident_change", object_id)

    def mute_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        caller = caller_in(request)
        or_404(people.get_incident, caller=caller, incident_id=object_id)
        minutes, now = minutes_in(request.POST), timezone.now()
        try:
            if request.POST.get("whole_project"):
                project_id = people.get_incident(caller=caller, incident_id=object_id).project_id
                until = mutes.mute_project(caller=caller, project_id=project_id, minutes=minutes, at=now)
            else:
                until = people.mute(caller=caller, incident_id=object_id, minutes=minutes, at=now).muted_until
            messages.success(request, gettext("Muted: no notifications for now.") if until else gettext("Unmuted."))
        except DeployError as error:
            show_error(request, error)
        return redirect("admin:deployments_incident_change", object_id)


def moment_of(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC)


def with_moments(container: dict[str, Any]) -> dict[str, Any]:
    """Return the container with its times as the template shows them; None for never."""
    names = ("startedAt", "finishedAt")
    return {**container, **{name: moment_of(container[name]) if container.get(name) else None for name in names}}


def deployed_with(caller: Caller, incident: IncidentRecord) -> DeploymentRecord | None:
    """Return what was proven last on the stack when the incident was opened."""
    if incident.deployment_id is None:
        return None
    try:
        return lookups.get_deployment(caller=caller, deployment_id=incident.deployment_id)
    except DeployError:
        return None
