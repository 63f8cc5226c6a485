"""The command ledger by the names that people know, with what came of each command."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from agents.admin.command_pages import CommandRecordAdmin
from agents.models import CommandRecord, Server
from agents.states import CommandKind, CommandStatus
from agents.wording.pages import lazy
from deployments.admin import badges
from deployments.admin.ownership import caller_in
from deployments.models import Deployment, Project
from deployments.repositories import projects


@admin.register(CommandRecord)
class CheckedCommandAdmin(CommandRecordAdmin):
    list_display = ("what", "project", "server", "status_pill", "outcome", "queued_at", "finished_at")
    search_fields = ("lane", "project_called", "server_called")
    fields = (
        "what", "project", "server", "agent", "status_pill", "outcome", "refusal_message", "attempts", "queued_at",
        "sent_at", "acknowledged_at", "finished_at", "next_send_at", "last_report_number", "lane", "order",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        deployment = Deployment.objects.filter(pk=OuterRef("deployment_id"))
        project = Project.objects.filter(pk=OuterRef("project_id")).values("name")
        server = Server.objects.filter(pk=OuterRef("agent__server_id")).values("name")
        visible = projects.visible(caller=caller_in(request)).filter(pk=OuterRef("project_id"))
        rows: Any = super().get_queryset(request)
        named: QuerySet[Any] = rows.annotate(
            project_called=Subquery(project),
            server_called=Subquery(server),
            open=Exists(visible),
            deployment_status=Subquery(deployment.values("status")[:1]),
            deployment_reason=Subquery(deployment.values("reason")[:1]),
            deployment_undone=Subquery(deployment.values("rolled_back_by_id")[:1]),
            deployment_cancelled=Subquery(deployment.values("cancel_requested_at")[:1]),
        )
        return named

    @display(description=lazy("Command"), ordering="number")
    def what(self, command: CommandRecord) -> str:
        return f"{badges.COMMAND_KIND[CommandKind(command.kind)]} #{command.number}"

    @display(description=lazy("Status"))
    def status_pill(self, command: CommandRecord) -> SafeString:
        return badges.render_badge(badges.COMMAND[CommandStatus(command.status)])

    @display(description=lazy("Project"), ordering="lane")
    def project(self, command: Any) -> SafeString:
        if not command.open:
            return format_html('<span title="{}">{}</span>', command.lane, command.project_called or command.lane)
        address = reverse("admin:deployments_project_change", args=[command.project_id])
        return format_html('<a class="ax-link" href="{}">{}</a>', address, command.project_called)

    @display(description=lazy("Server"), empty_value="-")
    def server(self, command: Any) -> SafeString | None:
        if command.server_called is None:
            return None
        address = reverse("admin:agents_server_overview", args=[command.agent.server_id])
        return format_html('<a class="ax-link" href="{}">{}</a>', address, command.server_called)

    @display(description=lazy("Deployment"), empty_value="-")
    def outcome(self, command: Any) -> SafeString | None:
        """Return what came of the deployment, and lead to it."""
        if not command.open or command.deployment_status is None:
            return None
        badge = badges.status_badge(
            status=command.deployment_status,
            reason=command.deployment_reason,
            undone=command.deployment_undone is not None,
            cancelling=command.deployment_cancelled is not None,
        )
        address = reverse("admin:deployments_deployment_change", args=[command.deployment_id])
        return format_html('<a href="{}">{}</a>', address, badges.render_badge(badge))
