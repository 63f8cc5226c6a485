"""Deployments in the admin: a list to look through and a page that moves by itself. Nothing is edited here."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agents.models import Cluster, Server
from agents.templatetags.moments import render_moment
from agents.wording.pages import lazy, shown
from deployments.admin import badges, page_data
from deployments.admin.filters import DEPLOYMENT_FILTERS, chosen_filter, chosen_project
from deployments.admin.ownership import OwnRowsMixin, caller_in, or_404, uncached_json, uuid_or_404
from deployments.admin.page_responses import render_page, show_error, way_to_deployment
from deployments.admin.paginators import SelectionPaginator
from deployments.admin.views import rollback_views
from deployments.errors import DeployError
from deployments.event_types import EventType
from deployments.models import Deployment, RemovedMachine
from deployments.repositories import projects
from deployments.repositories.paging import deployment_lists
from deployments.services.lifecycle import cancel
from deployments.services.permissions import access
from deployments.services.queries import lookups
from deployments.states import REASON_LABELS, Reason
from deployments.types import Caller, Right

LOG_PAGE = 500


@admin.register(Deployment)
class DeploymentAdmin(OwnRowsMixin, ModelAdmin):
    """The list reads one page of an index whatever the size of the table."""

    list_display = ("status_pill", "why", "project_link", "version", "kind_word", "target", "who", "when", "how_long")
    list_display_links = ("status_pill",)
    list_select_related = ("project", "requested_by")
    list_filter = DEPLOYMENT_FILTERS
    # Counts beside them would be of the whole table.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    ordering = ("-created_at", "-id")
    actions = None
    empty_title = lazy("No deployments yet")
    empty_hint = lazy("Open a project, review its changes, and deploy it. Every deployment is listed here.")
    empty_link = ("admin:deployments_project_changelist", lazy("Open a project"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return self.ordering

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *_: Any, **__: Any) -> Any:
        """Count and page by the same selection that REST uses."""
        selection = deployment_lists.selection_of(
            caller=caller_in(request), project_id=chosen_project(request), matching=chosen_filter(request)
        )
        return SelectionPaginator(selection=selection, rows=queryset, per_page=per_page)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Nothing but its filters narrows the list, so its count is always that of its rows.
        return lookup in {each.parameter_name for each in self.list_filter}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        rows: QuerySet[Deployment] = super().get_queryset(request)
        caller = caller_in(request)
        if not caller.sees_everything:
            rows = rows.filter(project__in=projects.visible(caller=caller).values("pk"))
        server = Server.objects.filter(pk=OuterRef("server_id")).values("name")
        cluster = Cluster.objects.filter(pk=OuterRef("cluster_id")).values("name")
        gone = RemovedMachine.objects.filter(pk=OuterRef("target_id"))
        removed = gone.annotate(shown=Concat("name", Value(gettext(" (removed)")))).values("shown")
        heavy = ("config", "service_statuses", "log_tail", "env_vars", "sealed_variables", "code")
        return rows.defer(*heavy).annotate(
            target_name=Coalesce(Subquery(server), Subquery(cluster), Subquery(removed)),
            kept_version=F("history__version"),
        )

    @display(description=lazy("Status"))
    def status_pill(self, row: Deployment) -> SafeString:
        cancelling = row.cancel_requested_at is not None
        undone = row.rolled_back_by_id is not None
        badge = badges.status_badge(status=row.status, reason=row.reason, undone=undone, cancelling=cancelling)
        return badges.render_badge(badge)

    @display(description=lazy("Reason"))
    def why(self, row: Deployment) -> str:
        if not row.reason:
            return ""
        words = shown(REASON_LABELS.get(Reason(row.reason), row.reason))
        return f"{row.failed_service}: {words}" if row.failed_service else words

    @display(description=lazy("Version"))
    def version(self, row: Any) -> str:
        return row.kept_version or ""

    @display(description=lazy("Kind"))
    def kind_word(self, row: Deployment) -> str:
        return badges.KIND.get(row.kind, badges.KIND["unknown"])

    @display(description=lazy("Project"))
    def project_link(self, row: Deployment) -> SafeString:
        address = reverse("admin:deployments_project_change", args=[row.project_id])
        return format_html('<a class="ax-link" href="{}">{}</a>', address, row.project.name)

    @display(description=lazy("Target"))
    def target(self, row: Any) -> str:
        return str(row.target_name or row.target_id)

    @display(description=lazy("User"))
    def who(self, row: Deployment) -> str:
        return row.requested_by.get_username()

    @display(description=lazy("Requested"))
    def when(self, row: Deployment) -> SafeString:
        return render_moment(row.created_at)

    @display(description=lazy("Duration"))
    def how_long(self, row: Deployment) -> str:
        if row.started_at is None:
            return "-"
        # By the clocks of two machines.
        seconds = max(0, round(((row.completed_at or timezone.now()) - row.started_at).total_seconds()))
        words = gettext("{minutes} min {seconds} s") if seconds >= 60 else gettext("{seconds} s")
        return words.format(minutes=seconds // 60, seconds=seconds % 60)

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.route_to(self.now_view, "now/", name="now"),
            self.route_to(self.state_view, "<uuid:object_id>/state/", name="state"),
            self.route_to(self.links_view, "<uuid:object_id>/links/", name="links"),
            self.route_to(self.files_view, "<uuid:object_id>/files/", name="files"),
            self.route_to(self.log_view, "<uuid:object_id>/log/", name="log"),
            self.route_to(require_POST(self.cancel_view), "<uuid:object_id>/cancel/", name="cancel"),
            self.route_to(rollback_views.rollback_view, "<uuid:object_id>/rollback/", name="rollback"),
        ]
        return own + list(super().get_urls())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the live page."""
        state = or_404(page_data.deployment_page, caller=caller_in(request), deployment_id=uuid_or_404(object_id))
        shown = state["deployment"]
        name, of = shown["projectName"], Deployment(pk=uuid_or_404(object_id), kind=shown["kind"])
        return render_page(
            request,
            "admin/deployments/deployment/page.html",
            title=name,
            of=of,
            called=f"{name} {str(of.pk)[:8]}",
            way=way_to_deployment(
                deployment_id=of.pk, project_id=shown["projectId"], project_name=name, version=shown["version"]
            ),
            state=state,
        )

    def now_view(self, request: HttpRequest) -> HttpResponse:
        return uncached_json(page_data.dashboard(caller=caller_in(request)))

    def state_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return uncached_json(or_404(page_data.deployment_page, caller=caller_in(request), deployment_id=object_id))

    def links_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return uncached_json(or_404(page_data.links_page, caller=caller_in(request), deployment_id=object_id))

    def files_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Return the generated files; none before the deployment started."""
        deployment = or_404(lookups.get_deployment, caller=caller_in(request), deployment_id=object_id)
        files = deployment.config.get("files", {})
        return uncached_json({"files": [{"name": name, "text": files[name]} for name in sorted(files)]})

    def log_view(self, request: HttpRequest, object_id: Any) -> StreamingHttpResponse:
        """Stream the whole log as text, read page by page."""
        caller = caller_in(request)
        or_404(lookups.get_deployment, caller=caller, deployment_id=object_id)
        answer = StreamingHttpResponse(log_lines(caller=caller, deployment_id=object_id), content_type="text/plain")
        answer["Content-Disposition"] = f'attachment; filename="deployment-{object_id}.log"'
        return answer

    def cancel_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        caller = caller_in(request)
        or_404(access.deployment_for, caller=caller, deployment_id=object_id, right=Right.SEE)
        try:
            cancel.cancel_deployment(caller=caller, deployment_id=object_id, at=timezone.now())
        except DeployError as error:
            show_error(request, error)
        return redirect("admin:deployments_deployment_change", object_id)


def log_lines(*, caller: Caller, deployment_id: Any) -> Iterator[str]:
    """Yield every log line with its time in UTC and its service in front."""
    last = 0
    while events := lookups.events_after(caller=caller, deployment_id=deployment_id, sequence=last, limit=LOG_PAGE):
        for event in events:
            if event.type == EventType.LOG_WRITTEN:
                name = event.payload.get("serviceName") or event.payload.get("source", "")
                for line in str(event.payload.get("text", "")).rstrip("\n").split("\n"):
                    yield f"{event.created_at:%Y-%m-%d %H:%M:%S}Z {name} | {line}\n"
        last = events[-1].sequence
