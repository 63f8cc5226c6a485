"""API tokens in the admin: one's own, made here and shown once, ended one by one."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agents.templatetags.moments import render_moment
from agents.wording.pages import lazy
from deployments.admin.ownership import OwnRowsMixin, caller_in
from deployments.errors import DeployError
from deployments.models import ApiToken
from deployments.names import MAX_NAME
from deployments.repositories import tokens as rows
from deployments.scopes import Scope
from deployments.services.permissions import api_tokens

SCOPES = {
    Scope.READ: lazy("Read: view everything that you can view"),
    Scope.DEPLOY: lazy("Deploy: also plan, deploy, roll back, scale, stop"),
    Scope.ALL: lazy("All: do everything that you can do"),
}
FIELD = "border border-base-200 bg-white rounded-default px-3 py-2 w-full dark:bg-base-900 dark:border-base-700"


class NewTokenForm(forms.Form):
    name = forms.CharField(
        max_length=MAX_NAME,
        help_text=lazy("What uses this token, so that you recognize it later."),
        widget=forms.TextInput(attrs={"class": FIELD}),
    )
    scope = forms.ChoiceField(
        choices=[(str(scope), words) for scope, words in SCOPES.items()],
        initial=Scope.DEPLOY,
        widget=forms.Select(attrs={"class": FIELD}),
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=api_tokens.MAX_DAYS,
        initial=api_tokens.DEFAULT_DAYS,
        label=lazy("Valid for (days)"),
        widget=forms.NumberInput(attrs={"class": FIELD}),
    )


@admin.register(ApiToken)
class ApiTokenAdmin(OwnRowsMixin, ModelAdmin):
    list_display = ("name", "scope", "made", "ends", "last_used")
    fields = list_display
    readonly_fields = fields
    list_per_page = 50
    show_full_result_count = False
    list_max_show_all = 0
    actions = None
    empty_title = lazy("No API tokens yet")
    empty_hint = lazy(
        "A token lets a script or a service act for you over REST, sockets, gRPC or Kafka. It is shown once."
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Only one's own are found at all.
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        # One's own, for superusers too: whoever sees all could act for all.
        caller = caller_in(request)
        rows.complete(user_id=caller.user_id)
        mine: QuerySet[ApiToken] = super().get_queryset(request).filter(token__user=caller.user_id)
        return mine.select_related("token").order_by("-token__created", "pk")

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        api_tokens.revoke_token(caller=caller_in(request), token_id=obj.pk)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the form, or the token itself, this once."""
        form = NewTokenForm(request.POST or None)
        context = {**self.admin_site.each_context(request), "title": gettext("New API token"), "form": form}
        if request.method == "POST" and form.is_valid():
            chosen = form.cleaned_data
            try:
                made, text = api_tokens.create_token(
                    caller=caller_in(request),
                    name=chosen["name"],
                    scope=Scope(chosen["scope"]),
                    days=chosen["days"],
                )
                context |= {"made": made, "text": text}
            except DeployError as error:
                form.add_error("name" if "name" in error.details else None, error.message)
        answer = TemplateResponse(request, "admin/deployments/token.html", context)
        add_never_cache_headers(answer)
        return answer

    @display(description=lazy("Made"), ordering="token__created")
    def made(self, token: ApiToken) -> Any:
        return render_moment(token.token.created)

    @display(description=lazy("Ends"), ordering="token__expiry")
    def ends(self, token: ApiToken) -> Any:
        return render_moment(token.token.expiry)

    @display(description=lazy("Last used"), ordering="last_used_at")
    def last_used(self, token: ApiToken) -> Any:
        return render_moment(token.last_used_at) if token.last_used_at else "never"
