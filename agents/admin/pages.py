"""Machines in the admin: servers and clusters to edit; agents and the command ledger to look at."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import F, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from agents.addresses import host_of
from agents.admin import install
from agents.admin.facts import FactColumns
from agents.admin.hints import (
    CONNECTED,
    PRESENCE_COLOURS,
    SHARED_NAME,
    LabelFilter,
    PresenceFilter,
    RevokedFilter,
    VersionFilter,
    certificate_sentence,
    shares_name,
    start_command,
    taken_over,
)
from agents.admin.server_form import ServerForm
from agents.condition import condition_of, skew_sentence
from agents.models import Agent, Cluster, EnrolmentToken, Server
from agents.models.machines import lost_after, silent_after
from agents.services import authority, enrolment
from agents.states import Presence, presence
from agents.types import IssuedToken
from agents.wording.pages import lazy, shown


def presence_of(record: Any) -> Presence:
    """Return the presence of a row annotated with `database_now`, `seen` and `revoked`."""
    return presence(
        now=record.database_now,
        last_seen_at=record.seen,
        revoked=record.revoked is not None,
        silent_after=silent_after(),
        lost_after=lost_after(),
    )


class OwnRowsAdmin(ModelAdmin):
    """Shows staff their own rows, superusers all. Another's row is not there; no permission of Django's is asked.

    `empty_title`, `empty_hint`, `empty_link` (route and words): what a list says before it has rows.
    """

    owner_path: ClassVar[str] = "owner"
    empty_title: ClassVar[str] = ""
    empty_hint: ClassVar[str] = ""
    empty_link: ClassVar[tuple[str, str] | None] = None
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if getattr(request.user, "is_superuser", False):
            return rows
        return rows.filter(**{self.owner_path: request.user})


class ReadOnlyAdmin(OwnRowsAdmin):
    """Rows that only the product itself writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class OwnedAdmin(OwnRowsAdmin):
    """Rows that belong to whoever adds them."""

    exclude: tuple[str, ...] = ("owner",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Only own rows are found at all.
        return self.has_module_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        if not change:
            obj.owner = request.user
        super().save_model(request, obj, form, change)


class ClusterAdmin(OwnedAdmin):
    list_display = ("name", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name",)
    empty_title = lazy("No clusters yet")
    empty_hint = lazy(
        "A cluster is one Docker Swarm of several servers: add it here, then form or adopt it under Nodes."
    )
    # No page chooses the builder yet, and the choice would show everybody's servers.
    exclude = ("owner", "builder")


class ServerAdmin(OwnedAdmin):
    list_display = ("name", "health", "troubles", "host", "cluster", "last_seen", "owner")
    list_select_related = ("cluster", "owner")
    search_fields = ("name", "host", "labels")
    list_filter = (PresenceFilter, VersionFilter, LabelFilter)
    form = ServerForm
    exclude = ("owner", "labels")
    actions_detail = ("new_enrolment_token",)
    empty_title = lazy("No servers yet")
    empty_hint = lazy("Add the machine that will run your projects, then install its agent.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        active = Agent.objects.active().filter(server_id=OuterRef("pk"))
        rows: Any = super().get_queryset(request)
        annotated: QuerySet[Any] = rows.annotate(
            database_now=Now(),
            seen=Subquery(active.values("last_seen_at")[:1]),
            revoked=Subquery(active.values("revoked_at")[:1]),
            reported_condition=Subquery(active.values("condition")[:1]),
            trouble=Subquery(active.values("trouble")[:1]),
            skew_ms=Subquery(active.values("clock_skew_ms")[:1]),
            agent_version=Subquery(active.values("version")[:1]),
        )
        return annotated

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "cluster":
            kwargs["queryset"] = ClusterAdmin(Cluster, self.admin_site).get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=lazy("Agent"), label=PRESENCE_COLOURS)
    def health(self, server: Any) -> str:
        return presence_of(server).value

    @display(description=lazy("Problems"), empty_value="-")
    def troubles(self, server: Any) -> str | None:
        """Return what is wrong; of an agent that is not online only what is stored, for its last words are no news."""
        said = [server.trouble]
        if presence_of(server) is Presence.ONLINE:
            said.append(skew_sentence(server.skew_ms))
            if server.reported_condition is not None:
                said += condition_of(server.reported_condition).troubles
        return " ".join(shown(each) for each in said if each) or None

    @display(description=lazy("Last seen"), empty_value=lazy("never"))
    def last_seen(self, server: Any) -> Any:
        return server.seen

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("enrolled", "certificate")

    @display(description=lazy("Enrolled"))
    def enrolled(self, server: Any) -> str:
        """Return what the owner should know of how the agent got here."""
        taken = (
            EnrolmentToken.objects.filter(server_id=server.pk, replaced_live_agent=True).order_by("-used_at").first()
        )
        return taken_over(None if taken is None else taken.used_at)

    @display(description=lazy("Certificate of the agent"))
    def certificate(self, server: Any) -> str:
        agent = Agent.objects.active().filter(server_id=server.pk).first()
        if agent is None:
            return gettext("The server has no agent.")
        return certificate_sentence(authority.certificate_of(agent_id=agent.pk), now=server.database_now)

    def change_view(self, request: HttpRequest, object_id: str, *arguments: Any, **named: Any) -> HttpResponse:
        server = self.get_object(request, object_id) if request.method == "GET" else None
        if server is not None and shares_name(server.host, request=request):
            self.message_user(request, SHARED_NAME.format(host=server.host), level=messages.WARNING)
        if server is not None and server.trouble:
            self.message_user(request, shown(server.trouble), level=messages.ERROR)
        if server is not None and (off := skew_sentence(server.skew_ms)):
            self.message_user(request, shown(off), level=messages.WARNING)
        answer: HttpResponse = super().change_view(request, object_id, *arguments, **named)
        return answer

    def issue_token(self, request: HttpRequest, server: Any, *, replace: bool) -> IssuedToken:
        named = {"server_id": server.pk, "owner_id": server.owner_id, "reached_by": host_of(request.get_host())}
        return enrolment.create_token(replace=replace, **named)

    @action(description=lazy("New enrolment token"), url_path="new-enrolment-token", icon="key", permissions=["change"])
    def new_enrolment_token(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask first (a token is made by POST only), then show it, this once."""
        server = get_object_or_404(self.get_queryset(request), pk=object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("New enrolment token"),
            "server": server,
            "connected": presence_of(server) in CONNECTED,
        }
        if request.method == "POST":
            replace = bool(request.POST.get("replace"))
            issued = self.issue_token(request, server, replace=replace)
            context |= {
                "issued": issued,
                "command": start_command(token=issued.token),
                **install.shown(request=request, server_id=server.pk, token=issued.token),
            }
        return TemplateResponse(request, "admin/agents/enrolment_token.html", context)


class AgentAdmin(FactColumns, ReadOnlyAdmin):
    list_display = ("__str__", "server_name", "health_pill", "version", "architecture", "last_seen_at", "owner")
    list_select_related = ("owner",)
    fields = (
        "id", "server_name", "owner_name", "health_pill", "version", "os", "architecture", "machine", "load",
        "fares", "trouble", "clock", "certificate", "condition_at", "last_seen_at", "enrolled_at", "revoked_at",
    )  # fmt: skip
    readonly_fields = fields
    list_filter = (RevokedFilter,)
    actions_detail = ("revoke",)
    empty_title = lazy("No agents yet")
    empty_hint = lazy("An agent appears here once it is enrolled. Open a server to install one.")
    empty_link = ("admin:agents_server_changelist", lazy("Go to servers"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        server = Server.objects.filter(pk=OuterRef("server_id")).values("name")
        annotated: QuerySet[Any] = rows.annotate(
            database_now=Now(), seen=F("last_seen_at"), revoked=F("revoked_at"), server_called=Subquery(server)
        )
        return annotated

    @display(description=lazy("Server"))
    def server_name(self, agent: Any) -> str:
        return agent.server_called or str(agent.server_id)

    @display(description=lazy("Owner"))
    def owner_name(self, agent: Agent) -> str:  # as a field it would link to a page for superusers
        return agent.owner.get_username()

    @display(description=lazy("Health"), label=PRESENCE_COLOURS)
    def health_pill(self, agent: Any) -> str:
        return presence_of(agent).value

    @display(description=lazy("Condition"))
    def fares(self, agent: Agent) -> str:
        if agent.condition is None:
            return gettext("Unknown: this agent does not report it.")
        return " ".join(map(shown, condition_of(agent.condition).troubles)) or gettext(
            "Docker answers, and the agent reports no problem."
        )

    @display(description=lazy("Clock"))
    def clock(self, agent: Agent) -> str:
        if agent.clock_skew_ms is None:
            return gettext("Unknown: this agent does not report its time.")
        return shown(skew_sentence(agent.clock_skew_ms)) or gettext("In sync with the control plane.")

    @display(description=lazy("Certificate"))
    def certificate(self, agent: Any) -> str:
        return certificate_sentence(authority.certificate_of(agent_id=agent.pk), now=agent.database_now)

    def has_revoke_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        # Only own agents are found at all.
        return self.has_module_permission(request)

    def end_credential(self, request: HttpRequest, agent: Any) -> None:
        enrolment.revoke(agent_id=agent.pk)

    @action(description=lazy("Revoke the credential"), url_path="revoke", icon="block", permissions=["revoke"])
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask first, then end the agent's credential; its session drops within seconds."""
        agent = get_object_or_404(self.get_queryset(request), pk=object_id, revoked_at__isnull=True)
        if request.method == "POST":
            self.end_credential(request, agent)
            self.message_user(request, gettext("The agent's credential was revoked."))
            return redirect(reverse("admin:agents_agent_change", args=[agent.pk]))
        context = {**self.admin_site.each_context(request), "title": gettext("Revoke the credential"), "agent": agent}
        return TemplateResponse(request, "admin/agents/revoke.html", context)
