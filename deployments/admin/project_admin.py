"""Projects in the admin: the page with the graph and the deploy button, and a form for the settings."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agents.templatetags.moments import render_moment
from agents.wording.pages import lazy, shown
from deployments.admin import badges, page_data, page_responses
from deployments.admin.filters import LastStatusFilter
from deployments.admin.forms import CodeForm, GraphForm, with_quota_check, within_bounds
from deployments.admin.ownership import (
    OwnRowsMixin,
    caller_in,
    or_404,
    require_project_viewer,
    uncached_json,
    uuid_or_404,
)
from deployments.admin.project_pages import page_of, to_page
from deployments.admin.sources import compose_views, graph_views, new_project_views
from deployments.admin.sources.uploaded_code import code_in
from deployments.admin.teams import activity_views, people_views
from deployments.admin.views import (
    deletion_views,
    deploy_views,
    history_views,
    job_views,
    logs_views,
    project_file_views,
    reach_views,
    repair_views,
    restart_views,
    stop_and_scale_views,
    target_views,
    usage_views,
    variable_views,
    volume_views,
)
from deployments.errors import DeployError
from deployments.models import Deployment, Project
from deployments.repositories import projects
from deployments.services.permissions import quotas
from deployments.services.projects import project_settings, sources
from deployments.services.queries import stack_list
from deployments.services.stacks.generation import stack_name
from deployments.types import Right

MAX_SHOWN_WARNINGS = 10

SETTINGS = (
    "concurrency",
    "restore_on_failure",
    "health_deadline",
    "health_window",
    "retention",
    "automatic_repair",
    "repairs_per_hour",
    "soak_minutes",
    "encrypt_networks",
)


@admin.register(Project)
class ProjectAdmin(OwnRowsMixin, ModelAdmin):
    list_display = ("name", "seen_now", "last_status", "last_when", "owner")
    list_select_related = ("owner",)
    search_fields = ("name",)
    list_per_page = 50
    show_full_result_count = False
    list_max_show_all = 0
    list_filter = (LastStatusFilter,)
    empty_title = lazy("No projects yet")
    empty_hint = lazy("A project is an application. Add one from an image, an example or a file, then deploy it.")
    empty_link = ("admin:deployments_project_new", lazy("Add an application"))
    fields = ("name", "stack_name", *SETTINGS)
    readonly_fields = ("stack_name",)
    actions = None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the settings folded where there is no project yet: each of them has a good default."""
        if obj is not None:
            return super().get_fieldsets(request, obj)
        settings = (lazy("Settings"), {"fields": SETTINGS, "classes": ("collapse",)})
        return ((None, {"fields": ("name",)}), settings)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return self.has_module_permission(request)
        return page_data.may(caller=caller_in(request), project_id=obj.pk, right=Right.CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        visible = projects.visible(caller=caller_in(request)).order_by("name")
        if not (request.resolver_match and "object_id" in request.resolver_match.kwargs):
            visible = visible.exclude(deletion=projects.DELETED)
        last = Deployment.objects.filter(project=OuterRef("pk")).order_by("-created_at", "-id")
        return visible.annotate(
            newest_status=Subquery(last.values("status")[:1]),
            newest_reason=Subquery(last.values("reason")[:1]),
            newest_cancel_requested_at=Subquery(last.values("cancel_requested_at")[:1]),
            newest_rolled_back_by=Subquery(last.values("rolled_back_by_id")[:1]),
            newest_at=Subquery(last.values("created_at")[:1]),
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the page of the list, with how the stacks of its projects are now."""
        changes = super().get_changelist_instance(request)
        seen = stack_list.stacks_by_project(project_ids=[row.pk for row in changes.result_list])
        for row in changes.result_list:
            row.stacks_now = seen.get(row.pk, ())
        return changes

    @display(description=lazy("Name of the stack"))
    def stack_name(self, project: Any) -> str:
        """Return what containers, networks and volumes on a server begin with."""
        return stack_name(project)

    @display(description=lazy("Now"))
    def seen_now(self, row: Any) -> SafeString | str:
        return badges.render_stacks(row.stacks_now)

    @display(description=lazy("Last deployment"))
    def last_status(self, row: Any) -> SafeString | str:
        if not row.newest_status:
            return gettext("never deployed")
        badge = badges.status_badge(
            status=row.newest_status,
            reason=row.newest_reason,
            undone=row.newest_rolled_back_by is not None,
            cancelling=row.newest_cancel_requested_at is not None,
        )
        return badges.render_badge(badge)

    @display(description=lazy("Requested"))
    def last_when(self, row: Any) -> SafeString | str:
        if row.newest_at is None:
            return "-"
        return render_moment(row.newest_at)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        # Through the use cases that every door uses.
        settings = {name: form.cleaned_data[name] for name in SETTINGS}
        if change:
            project_settings.change_project(
                caller=caller_in(request), project_id=obj.pk, name=obj.name, settings=settings
            )
            return
        project = sources.create_project(caller=caller_in(request), project_id=obj.pk, name=obj.name, settings=settings)
        obj.slug, obj.owner_id = project.slug, project.owner_id

    def response_add(self, request: HttpRequest, obj: Any, *arguments: Any, **named: Any) -> HttpResponse:
        return to_page(request, obj, super().response_add(request, obj, *arguments, **named))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return to_page(request, obj, super().response_change(request, obj))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        base = super().get_form(request, obj, change=change, **kwargs)
        owner = caller_in(request).user_id if obj is None else obj.owner_id
        if obj is None:
            base = with_quota_check(base, check=lambda: quotas.check_project_quota(owner_id=owner))

        class OwnName(base):  # type: ignore[misc,valid-type]
            def clean_name(self) -> str:
                name = str(self.cleaned_data["name"]).strip()
                taken = projects.by_name(owner_id=owner, name=name)
                if taken is not None and taken.id != getattr(obj, "pk", None):
                    raise forms.ValidationError(gettext("There is already a project with this name."))
                return name

        # The last: a class made of a form has fields of its own.
        return within_bounds(OwnName)

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.route_to(new_project_views.new_project_view, "new/", name="new"),
            self.route_to(graph_views.edit_view, "<uuid:object_id>/graph/edit/", name="graph_edit"),
            self.route_to(graph_views.download_view, "<uuid:object_id>/graph/file/", name="graph_file"),
            self.route_to(self.settings_view, "<uuid:object_id>/settings/", name="settings"),
            self.route_to(self.state_view, "<uuid:object_id>/state/", name="state"),
            self.route_to(require_POST(deploy_views.plan_view), "<uuid:object_id>/plan/", name="plan"),
            self.route_to(require_POST(deploy_views.deploy_view), "<uuid:object_id>/deploy/", name="deploy"),
            self.route_to(history_views.history_view, "<uuid:object_id>/history/", name="history"),
            self.route_to(history_views.diff_view, "<uuid:object_id>/history/diff/", name="diff"),
            self.route_to(logs_views.logs_view, "<uuid:object_id>/logs/", name="logs"),
            self.route_to(stop_and_scale_views.stop_view, "<uuid:object_id>/stop/", name="stop"),
            self.route_to(restart_views.restart_view, "<uuid:object_id>/restart/", name="restart"),
            self.route_to(stop_and_scale_views.scale_view, "<uuid:object_id>/scale/", name="scale"),
            self.route_to(project_file_views.files_view, "<uuid:object_id>/compose/files/", name="compose_files"),
            self.route_to(project_file_views.file_view, "<uuid:object_id>/file/", name="file"),
            self.route_to(compose_views.compose_view, "<uuid:object_id>/compose/", name="compose"),
            self.route_to(repair_views.repair_view, "<uuid:object_id>/repair/", name="repair"),
            self.route_to(repair_views.leave_view, "<uuid:object_id>/leave/", name="leave"),
            self.route_to(target_views.targets_view, "<uuid:object_id>/targets/", name="targets"),
            self.route_to(variable_views.variables_view, "<uuid:object_id>/variables/", name="variables"),
            self.route_to(people_views.people_view, "<uuid:object_id>/people/", name="people"),
            self.route_to(activity_views.project_activity, "<uuid:object_id>/activity/", name="activity"),
            self.route_to(deletion_views.deletion_view, "<uuid:object_id>/deletion/", name="deletion"),
            self.route_to(usage_views.project_usage_view, "<uuid:object_id>/usage/", name="usage"),
            self.route_to(usage_views.sparks_view, "<uuid:object_id>/usage/state/", name="sparks"),
            self.route_to(job_views.jobs_view, "<uuid:object_id>/jobs/", name="jobs"),
            self.route_to(reach_views.reach_view, "<uuid:object_id>/reach/", name="reach"),
            self.route_to(volume_views.project_volumes_view, "<uuid:object_id>/volumes/", name="volumes"),
            self.route_to(require_POST(self.graph_view), "<uuid:object_id>/graph/", name="graph"),
            self.route_to(require_POST(self.code_view), "<uuid:object_id>/code/", name="code"),
        ]
        return own + list(super().get_urls())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the project's page; its settings have one of their own."""
        state = or_404(page_data.project_page, caller=caller_in(request), project_id=uuid_or_404(object_id))
        name = state["project"]["name"]
        of = Project(pk=uuid_or_404(object_id), name=name)
        return page_responses.render_page(
            request,
            "admin/deployments/project/page.html",
            title=name,
            of=of,
            state=state,
            code=code_in(caller_in(request), of.pk),
        )

    def settings_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return super().change_view(request, str(object_id))  # type: ignore[no-any-return]

    def state_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return uncached_json(or_404(page_data.project_page, caller=caller_in(request), project_id=object_id))

    def graph_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        caller, form = require_project_viewer(request, object_id), GraphForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.wrong(request, object_id, form)
        try:
            stored = sources.store_graph(caller=caller, project_id=object_id, graph=form.cleaned_data["graph"])
        except DeployError as error:
            return self.refused(request, object_id, error)
        messages.success(request, gettext("Graph uploaded (version {version}).").format(version=stored.version))
        for warning in stored.warnings[:MAX_SHOWN_WARNINGS]:
            messages.warning(request, shown(warning))
        if len(stored.warnings) > MAX_SHOWN_WARNINGS:
            messages.warning(request, gettext("There are more warnings: the plan lists them all."))
        return redirect(page_of(object_id))

    def code_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        caller, form = require_project_viewer(request, object_id), CodeForm(request.POST, request.FILES)
        if request.POST.get("remove"):
            return self.remove_code(request, object_id, request.POST["remove"])
        if not form.is_valid():
            return self.wrong(request, object_id, form)
        data = form.cleaned_data
        try:
            sources.store_code(caller=caller, project_id=object_id, node_id=data["node"], content=data["code"])
        except DeployError as error:
            return self.refused(request, object_id, error)
        messages.success(request, gettext("Code uploaded. The next deployment will build it."))
        return redirect(page_of(object_id))

    def remove_code(self, request: HttpRequest, object_id: Any, node_id: str) -> HttpResponse:
        try:
            sources.remove_code(caller=caller_in(request), project_id=object_id, node_id=node_id)
        except DeployError as error:
            return self.refused(request, object_id, error)
        messages.success(request, gettext("The code was removed."))
        return redirect(page_of(object_id))

    def refused(self, request: HttpRequest, object_id: Any, error: DeployError) -> HttpResponse:
        """Lead back to the page with the refusal and each field it names."""
        page_responses.show_error(request, error)
        return redirect(page_of(object_id))

    def wrong(self, request: HttpRequest, object_id: Any, form: forms.Form) -> HttpResponse:
        for field, complaints in form.errors.items():
            messages.error(request, f"{field}: {' '.join(str(each) for each in complaints)}")
        return redirect(page_of(object_id))
