"""Servers and clusters where the domain has a say: what runs on a server, and what keeps one from being deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.decorators import action, display
from unfold.views import ChangeList

from agents.addresses import host_of
from agents.admin.pages import AgentAdmin, ClusterAdmin, ServerAdmin, presence_of
from agents.models import Agent, Cluster, Server
from agents.types import IssuedToken
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin import badges
from deployments.admin.fleet import server_views, update_views
from deployments.admin.forms import request_id_in, with_check_of, with_quota_check
from deployments.admin.ownership import caller_in, or_404, uncached_json, uuid_or_404
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.admin.sources import adoption_views
from deployments.admin.teams import activity_views
from deployments.admin.views import (
    cluster_views,
    installation_views,
    machine_deletion_views,
    usage_views,
    volume_views,
)
from deployments.data.audit_types import AuditAction
from deployments.errors import DeployError, NotFound
from deployments.event_types import epoch_ms
from deployments.services.audit.record import names_in, record
from deployments.services.fleet import machine_changes, machine_list
from deployments.services.permissions import quotas
from deployments.services.queries import grant_view
from deployments.services.queries.grant_view import Tenant
from deployments.services.requests import stop
from deployments.services.sharing import server_grants
from deployments.types import Caller

PAGE = "admin/agents/projects.html"


class DeletedByName:
    """Goes on a page of its own, which says what follows and asks for its name; no list deletes several at once."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's
        return False


class AuditedMachine:
    """Writes down, in the transaction of the admin's form, who added or changed a server or cluster."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        super().save_model(request, obj, form, change)  # type: ignore[misc]  # a ModelAdmin's
        action = AuditAction.MACHINE_CHANGED if change else AuditAction.MACHINE_CREATED
        said = names_in(f"{name}: {form.cleaned_data[name]}" for name in form.changed_data)
        detail = f"{obj._meta.model_name} {obj}{f': {said}' if change else ''}"
        record(by=caller_in(request), action=action, detail=detail, server_id=obj.pk)


@admin.register(Agent)
class CheckedAgentAdmin(AgentAdmin):
    @display(description=lazy("State"))
    def health_pill(self, agent: Any) -> SafeString:
        return badges.render_badge(badges.PRESENCE[presence_of(agent)])

    def end_credential(self, request: HttpRequest, agent: Any) -> None:
        machine_changes.revoke_agent(caller=caller_in(request), agent_id=agent.pk)


@admin.register(Cluster)
class CheckedClusterAdmin(AuditedMachine, DeletedByName, ClusterAdmin):
    actions_detail = ("nodes", "activity", "deletion")

    def get_urls(self) -> list[URLPattern]:
        # Under a name of its own, also for a cluster that is gone.
        wrapped: Any = self.admin_site.admin_view
        own = path("<path:object_id>/deletion/", wrapped(self.deletion), name="agents_cluster_deletion")
        return [own, *super().get_urls()]

    @action(description=lazy("Delete"), url_path="deletion", icon="delete", permissions=["change"])
    def deletion(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what follows from deleting the cluster; begin by POST."""
        return machine_deletion_views.cluster_deletion_page(request, uuid_or_404(object_id))

    @action(description=lazy("Nodes"), url_path="nodes", icon="hub", permissions=["change"])
    def nodes(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the cluster's nodes; form, adopt and change it by POST."""
        return cluster_views.cluster_nodes_page(request, uuid_or_404(object_id))

    @action(description=lazy("Activity"), url_path="activity", icon="manage_history", permissions=["change"])
    def activity(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show who changed the cluster."""
        return activity_views.cluster_activity(request, uuid_or_404(object_id))


class ServerList(ChangeList):
    def url_for_result(self, result: Any) -> str:
        return reverse("admin:agents_server_overview", args=[result.pk])


@admin.register(Server)
class CheckedServerAdmin(AuditedMachine, DeletedByName, ServerAdmin):
    actions_list = ("updates",)
    # The server's own page leads to everything else.
    actions_detail = ("overview", "install", *ServerAdmin.actions_detail, "projects", "deletion")  # type: ignore[assignment]  # more than its base

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Rows lead to the server's page; its form is one of the pages behind that."""
        del request, kwargs
        return ServerList

    @display(description=lazy("Agent"))
    def health(self, server: Any) -> SafeString:
        return badges.render_badge(badges.PRESENCE[presence_of(server)])

    def issue_token(self, request: HttpRequest, server: Any, *, replace: bool) -> IssuedToken:
        named = {"server_id": server.pk, "reached_by": host_of(request.get_host())}
        return machine_list.issue_enrolment_token(caller=caller_in(request), replace=replace, **named)

    def get_urls(self) -> list[URLPattern]:
        wrapped: Any = self.admin_site.admin_view
        own = (
            path("updates/", wrapped(update_views.updates_view), name="agents_server_updates"),
            path("<path:object_id>/activity/", wrapped(self.activity), name="agents_server_activity"),
            path("<path:object_id>/usage/", wrapped(self.usage), name="agents_server_usage"),
            path("<path:object_id>/volumes/", wrapped(self.volumes), name="agents_server_volumes"),
            path("<path:object_id>/containers/", wrapped(self.containers), name="agents_server_containers"),
            path("<path:object_id>/deletion/", wrapped(self.deletion), name="agents_server_deletion"),
            path("<uuid:object_id>/presence/", wrapped(self.presence_view), name="agents_server_presence"),
            path(
                "<uuid:object_id>/installation/state/",
                wrapped(installation_views.installation_view),
                name="agents_server_installation",
            ),
        )
        return [*own, *super().get_urls()]

    def presence_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Return how the server's agent is and when it enrolled, for a page that waits for it."""
        server = get_object_or_404(self.get_queryset(request), pk=object_id)
        enrolled = Agent.objects.active().filter(server_id=object_id).values_list("enrolled_at", flat=True).first()
        return uncached_json({"presence": presence_of(server).value, "enrolledAt": epoch_ms(enrolled)})

    def response_add(self, request: HttpRequest, obj: Any, *arguments: Any, **named: Any) -> HttpResponse:
        """Lead on to the agent, which a server is nothing without."""
        answer: HttpResponse = super().response_add(request, obj, *arguments, **named)
        usual = isinstance(answer, HttpResponseRedirect) and not {"_addanother", "_continue"} & request.POST.keys()
        return redirect("admin:agents_server_new_enrolment_token", obj.pk) if usual else answer

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change=change, **kwargs)
        caller = caller_in(request)
        if obj is None:
            return with_quota_check(form, check=lambda: quotas.check_server_quota(owner_id=caller.user_id))

        def check_move(cluster: Any) -> None:
            server = machine_list.get_server(caller=caller, server_id=obj.pk)
            machine_changes.check_move(server=server, cluster_id=cluster.pk if cluster else None)

        return with_check_of(form, field="cluster", check=check_move)

    @action(description=lazy("Deployed here"), url_path="projects", icon="apps", permissions=["change"])
    def projects(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show whose projects are on the server; stop or forbid one by POST."""
        caller, server_id = caller_in(request), uuid_or_404(object_id)
        server = or_404(machine_list.get_server, caller=caller, server_id=server_id)
        if request.method == "POST":
            self.change_one(request, caller, server_id)
            return redirect("admin:agents_server_projects", server_id)
        there: tuple[Tenant, ...] = or_404(grant_view.tenants_of, caller=caller, server_id=server_id)
        rows = [(each, badge_of(each)) for each in there]
        of, title = Server(pk=server.id, name=server.name), gettext("Deployed on {name}").format(name=server.name)
        return render_page(request, PAGE, title=title, of=of, server=server, rows=rows, request_id=uuid4())

    @action(description=lazy("Install over SSH"), url_path="install", icon="install_desktop", permissions=["change"])
    def install(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Install the server's agent by SSH, or remove it."""
        return installation_views.install_page(request, uuid_or_404(object_id))

    @action(description=lazy("Agent updates"), url_path="to-updates", icon="system_update_alt")
    def updates(self, request: HttpRequest) -> HttpResponse:
        """Lead to the page on which agents are updated."""
        del request
        return redirect("admin:agents_server_updates")

    @action(description=lazy("Overview"), url_path="overview", icon="dns", permissions=["change"])
    def overview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the server's agent, machine and history; drain it or update its agent by POST."""
        return server_views.overview_page(request, uuid_or_404(object_id))

    def usage(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what the server used."""
        return usage_views.server_usage_page(request, uuid_or_404(object_id))

    def volumes(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the volumes on the server; have an orphaned one deleted by POST."""
        return volume_views.server_volumes_page(request, uuid_or_404(object_id))

    @action(description=lazy("Delete"), url_path="deletion", icon="delete", permissions=["change"])
    def deletion(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what follows from deleting the server; begin by POST."""
        return machine_deletion_views.server_deletion_page(request, uuid_or_404(object_id))

    def containers(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what runs on the server without us; make a project of it by POST."""
        return adoption_views.containers_page(request, uuid_or_404(object_id))

    def activity(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show who changed the server."""
        return activity_views.server_activity(request, uuid_or_404(object_id))

    def change_one(self, request: HttpRequest, caller: Caller, server_id: UUID) -> None:
        """Stop or forbid the posted project; the next page says what became of it."""
        at = timezone.now()
        try:
            project_id = UUID(request.POST.get("project", ""))
            if request.POST.get("do") == "stop":
                stop.stop_on_server(
                    caller=caller,
                    server_id=server_id,
                    project_id=project_id,
                    deployment_id=uuid4(),
                    request_id=request_id_in(request.POST),
                    at=at,
                )
                messages.success(request, gettext("The project is being stopped on this server."))
            elif request.POST.get("do") == "forbid":
                server_grants.forbid(caller=caller, server_id=server_id, project_id=project_id, at=at)
                messages.success(
                    request,
                    gettext(
                        "The project can no longer be deployed here. What is running keeps running until you stop it."
                    ),
                )
            else:
                raise unknown_action()
        except ValueError:
            show_error(request, NotFound(sentence("No such project on this server.")))
        except DeployError as error:
            show_error(request, error)


def badge_of(tenant: Tenant) -> badges.Badge | None:
    """Return how its last deployment went."""
    if tenant.latest is None:
        return None
    latest = tenant.latest
    return badges.status_badge(status=latest.status, reason=latest.reason, undone=latest.undone_by is not None)
