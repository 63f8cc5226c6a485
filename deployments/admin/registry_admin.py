"""Registries in the admin: add one, change its login, delete it."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agents.templatetags.moments import render_moment
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin.own_forms import UseCaseRowsMixin, projects_to_change, show_refusal, widget
from deployments.admin.ownership import caller_in, or_404, uuid_or_404
from deployments.admin.page_responses import render_page, show_error
from deployments.data.registry_types import NewRegistry, RegistryChange, RegistryRecord
from deployments.errors import DeployError, Invalid
from deployments.models import Registry
from deployments.names import MAX_NAME
from deployments.repositories.registries import registry_rows
from deployments.rules.registry_rules import ADDRESS_WORDS, MAX_CERTIFICATE, MAX_NAMESPACE, MAX_PASSWORD, MAX_USERNAME
from deployments.services.fleet import machine_list
from deployments.services.registries import registries
from deployments.services.requests import check_registry

PAGE = "admin/deployments/registry/page.html"
NEW = "admin/deployments/registry/new.html"
MAX_ADDRESS = 300
EVERYBODY = "everybody"
# How the fields of a refusal are called in the form.
FIELDS = {"name": "name", "address": "address", "username": "username", "password": "password"}
FIELDS |= {"namespace": "namespace", "caCertificate": "ca_certificate", "projectId": "project"}


class ChangeRegistryForm(forms.Form):
    name = forms.CharField(label=lazy("Name"), max_length=MAX_NAME, widget=widget(forms.TextInput))
    username = forms.CharField(
        max_length=MAX_USERNAME,
        required=False,
        label=lazy("User name"),
        widget=widget(forms.TextInput, autocomplete="off"),
        help_text=lazy("Leave it empty for a registry that needs no login."),
    )
    password = forms.CharField(
        max_length=MAX_PASSWORD,
        required=False,
        strip=False,
        label=lazy("Password or token"),
        widget=widget(forms.PasswordInput, autocomplete="new-password"),
        help_text=lazy(
            "Encrypted and never shown again. Use an account with as few rights as possible: every server that "
            "pulls from this registry gets this login."
        ),
    )
    namespace = forms.CharField(
        label=lazy("Namespace"),
        max_length=MAX_NAMESPACE,
        initial="axion",
        widget=widget(forms.TextInput),
        help_text=lazy("Prefix of images that are built for clusters and pushed here."),
    )
    ca_certificate = forms.CharField(
        max_length=MAX_CERTIFICATE,
        required=False,
        label=lazy("Certificate authority"),
        widget=widget(forms.Textarea, rows="6", spellcheck="false"),
        help_text=lazy("In PEM; only where the registry's certificate is not signed by a public authority."),
    )


class NewRegistryForm(ChangeRegistryForm):
    address = forms.CharField(
        label=lazy("Address"), max_length=MAX_ADDRESS, widget=widget(forms.TextInput), help_text=lazy(ADDRESS_WORDS)
    )
    project = forms.ChoiceField(
        required=False,
        label=lazy("Used by"),
        widget=widget(forms.Select),
        help_text=lazy("A project's registry is seen by all its members, and wins over its owner's."),
    )
    field_order = ("name", "address", "project", "username", "password", "namespace", "ca_certificate")


@admin.register(Registry)
class RegistryAdmin(UseCaseRowsMixin, ModelAdmin):
    list_display = ("name", "address", "username", "used_by", "changed")
    adds_rows = True
    ordering = ("name", "pk")
    empty_title = lazy("No registries")
    empty_hint = lazy("Add one to deploy private images.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registry]:
        return registry_rows.visible(caller_in(request)).defer("sealed", "ca_certificate")

    @display(description=lazy("Used by"))
    def used_by(self, row: Registry) -> str:
        if row.project:
            return row.project.name
        return gettext("your projects") if row.owner_id else gettext("everybody")

    @display(description=lazy("Changed"))
    def changed(self, row: Registry) -> Any:
        return render_moment(row.changed_at)

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.route_to(require_POST(self.edit_view), "<uuid:object_id>/edit/", name="edit"),
            self.route_to(require_POST(self.test_view), "<uuid:object_id>/test/", name="test"),
            self.route_to(require_POST(self.remove_view), "<uuid:object_id>/remove/", name="remove"),
        ]
        return own + list(super().get_urls())

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        form, caller = NewRegistryForm(request.POST or None), caller_in(request)
        choices = [("", gettext("all your projects")), *projects_to_change(request)]
        if caller.sees_everything:
            choices.insert(1, (EVERYBODY, gettext("everybody's projects")))
        form.fields["project"].choices = choices  # type: ignore[attr-defined]  # a choice field
        if request.method == "POST" and form.is_valid():
            try:
                made = registries.add_registry(caller=caller, new=registry_in(form.cleaned_data), at=timezone.now())
                messages.success(request, gettext("Registry added."))
                return redirect("admin:deployments_registry_change", made.id)
            except DeployError as error:
                show_refusal(form, error, fields=FIELDS)
        context = {**self.admin_site.each_context(request), "title": gettext("New registry"), "form": form}
        answer = TemplateResponse(request, NEW, context)
        add_never_cache_headers(answer)
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the registry, with a form for who may change it."""
        registry_id = uuid_or_404(object_id)
        registry = or_404(registries.get_registry, caller=caller_in(request), registry_id=registry_id)
        return self.show(request, registry, ChangeRegistryForm(initial=initial_of(registry)))

    def show(self, request: HttpRequest, registry: RegistryRecord, form: forms.Form) -> HttpResponse:
        return render_page(
            request,
            PAGE,
            title=registry.name,
            of=Registry(pk=registry.id, name=registry.name),
            registry=registry,
            form=form,
            servers=machine_list.machines_of(caller_in(request)).servers,
            may_change=registries.may_change(caller=caller_in(request), registry=registry),
        )

    def edit_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        caller = caller_in(request)
        registry = or_404(registries.get_registry, caller=caller, registry_id=object_id)
        form = ChangeRegistryForm(request.POST)
        if not form.is_valid():
            return self.show(request, registry, form)
        try:
            change = change_in(form.cleaned_data)
            registries.change_registry(caller=caller, registry_id=object_id, change=change, at=timezone.now())
        except DeployError as error:
            if not error.details:
                show_error(request, error)
                return redirect("admin:deployments_registry_change", object_id)
            show_refusal(form, error, fields=FIELDS)
            return self.show(request, registry, form)
        messages.success(request, gettext("Registry changed."))
        return redirect("admin:deployments_registry_change", object_id)

    def test_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Have a server's agent try the registry; what it says stands on the page afterwards."""
        caller = caller_in(request)
        or_404(registries.get_registry, caller=caller, registry_id=object_id)
        try:
            server_id = server_in(request)
            check_registry.check_registry(caller=caller, registry_id=object_id, server_id=server_id, check_id=uuid4())
            messages.success(request, gettext("Being tested; the answer stands here within seconds."))
        except DeployError as error:
            show_error(request, error)
        return redirect("admin:deployments_registry_change", object_id)

    def remove_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        caller = caller_in(request)
        or_404(registries.get_registry, caller=caller, registry_id=object_id)
        try:
            registries.delete_registry(caller=caller, registry_id=object_id)
        except DeployError as error:
            show_error(request, error)
            return redirect("admin:deployments_registry_change", object_id)
        messages.success(request, gettext("Registry deleted here; its images stay in it."))
        return redirect("admin:deployments_registry_changelist")


def server_in(request: HttpRequest) -> UUID:
    """Return the posted server. Raise Invalid where none was chosen."""
    try:
        return UUID(request.POST.get("server", ""))
    except ValueError:
        raise Invalid(sentence("Choose a server."), details={"server": sentence("choose one")}) from None


def initial_of(registry: RegistryRecord) -> dict[str, str]:
    return {
        "name": registry.name,
        "username": registry.username,
        "namespace": registry.namespace,
        "ca_certificate": registry.ca_certificate,
    }


def registry_in(form: Mapping[str, Any]) -> NewRegistry:
    """Return the registry that a form asks for."""
    used_by = form["project"]
    return NewRegistry(
        name=form["name"],
        address=form["address"],
        username=form["username"],
        password=form["password"],
        ca_certificate=usual_lines(form["ca_certificate"]),
        namespace=form["namespace"],
        project_id=UUID(used_by) if used_by not in ("", EVERYBODY) else None,
        of_installation=used_by == EVERYBODY,
    )


def change_in(form: Mapping[str, Any]) -> RegistryChange:
    """Return what a form changes; a password that was left empty stays."""
    return RegistryChange(
        name=form["name"],
        username=form["username"],
        password=form["password"] or None,
        ca_certificate=usual_lines(form["ca_certificate"]),
        namespace=form["namespace"],
    )


def usual_lines(text: str) -> str:
    """Return the text with line ends as files have them, not as forms send them."""
    return text.replace("\r\n", "\n")
