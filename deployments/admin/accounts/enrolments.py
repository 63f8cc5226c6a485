"""Enrolment tokens in the admin: which would admit an agent, which did, and whose place it took."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Now
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agents.models import EnrolmentToken, Server
from agents.wording.pages import lazy
from deployments.admin.ownership import OwnRowsMixin, caller_in
from deployments.services.fleet import machine_list

VALID, USED, ENDED = lazy("can enrol an agent"), lazy("used"), lazy("ended")
COLOURS = {VALID: "warning", USED: "success", ENDED: "default"}


@admin.register(EnrolmentToken)
class EnrolmentTokenAdmin(OwnRowsMixin, ModelAdmin):
    list_display = ("of_server", "state", "created_at", "expires_at", "used_at", "replaced")
    fields = ("of_server", "state", "created_at", "expires_at", "used_at", "may_replace", "replaced")
    readonly_fields = fields
    list_per_page = 50
    show_full_result_count = False
    list_max_show_all = 0
    actions = None
    empty_title = lazy("No enrolment tokens")
    empty_hint = lazy("A token enrols one agent. Open a server to create one.")
    empty_link = ("admin:agents_server_changelist", lazy("Go to servers"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A used one stays as a record; only own ones are found at all.
        return self.has_module_permission(request) and (obj is None or obj.used_at is None)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EnrolmentToken]:
        rows: Any = super().get_queryset(request)
        caller = caller_in(request)
        mine = rows if caller.sees_everything else rows.filter(owner=caller.user_id)
        name = Server.objects.filter(pk=OuterRef("server_id")).values("name")[:1]
        annotated: QuerySet[EnrolmentToken] = mine.annotate(server_called=Subquery(name), database_now=Now())
        return annotated.order_by("-created_at", "pk")

    def delete_model(self, request: HttpRequest, obj: EnrolmentToken) -> None:
        machine_list.end_enrolment_token(caller=caller_in(request), server_id=obj.server_id, token_id=obj.pk)

    @display(description=lazy("Server"))
    def of_server(self, token: Any) -> str:
        return token.server_called or str(token.server_id)

    @display(description=lazy("State"), label=COLOURS)
    def state(self, token: Any) -> str:
        if token.used_at is not None:
            return USED
        return VALID if token.expires_at > token.database_now else ENDED

    @display(description=lazy("Replaced a connected agent"), boolean=True)
    def replaced(self, token: Any) -> bool:
        return bool(token.replaced_live_agent)
