"""The people who can sign in, for administrators: added with a link, helped with a link, deleted with an heir."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from agents.wording.pages import lazy, shown
from deployments.admin.ownership import caller_in, uuid_or_404
from deployments.admin.page_responses import render_page, show_error
from deployments.admin.site import MAX_NAME_LENGTH
from deployments.admin.teams import activity_views
from deployments.data.audit_types import AuditAction
from deployments.errors import DeployError
from deployments.models import User
from deployments.services.accounts import people
from deployments.services.audit.record import names_in, record
from deployments.services.ends import person_deletion

ACCESS_WORDS = {
    "is_active": (
        lazy("Active"),
        lazy("Untick to block this person: they are signed out, and their tokens stop working."),
    ),
    "is_staff": (lazy("May sign in to these pages"), lazy("Without it, only the API can be used, with tokens.")),
    "is_superuser": (lazy("Administrator"), lazy("Can see and do everything, and manage people.")),
}
MAX_HEIRS = 1000
ADD_PAGE = "admin/deployments/person/add.html"
LINK_PAGE = "admin/deployments/person/link.html"
DELETE_PAGE = "admin/deployments/person/delete.html"


class NewPersonForm(forms.Form):
    """Who is to sign in; they choose their password themselves."""

    username = forms.CharField(
        label=lazy("User name"),
        max_length=MAX_NAME_LENGTH,
        validators=[User.username_validator],
        widget=UnfoldAdminTextInputWidget(),
    )
    email = forms.EmailField(
        label=lazy("E-mail"),
        required=False,
        help_text=lazy("For a forgotten password."),
        widget=UnfoldAdminEmailInputWidget(),
    )
    administrator = forms.BooleanField(
        required=False, help_text=ACCESS_WORDS["is_superuser"][1], widget=UnfoldBooleanSwitchWidget()
    )


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Who may sign in; for superusers. Django's permissions and groups are not offered: they govern nothing here."""

    list_display = ("username", "email", "is_active", "administrator", "last_login")
    list_filter = ("is_active", "is_superuser")
    fieldsets = (
        (None, {"fields": ("username", "sign_in")}),
        (lazy("Person"), {"fields": ("first_name", "last_name", "email")}),
        (lazy("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("sign_in", "last_login", "date_joined")
    actions = None
    actions_detail = ("password_link", "activity")

    form = UserChangeForm
    change_password_form = AdminPasswordChangeForm
    # Two lists side by side are wider than a page.
    filter_horizontal = ()

    @display(description=ACCESS_WORDS["is_superuser"][0], boolean=True)
    def administrator(self, person: User) -> bool:
        return person.is_superuser

    @display(description=lazy("Password"))
    def sign_in(self, person: User) -> SafeString:
        """Say whether there is a password, never how it is stored, and lead to where it is set."""
        state = gettext("set") if person.has_usable_password() else gettext("not chosen yet")
        address = reverse("admin:auth_user_password_change", args=[person.pk])
        return format_html('{} <a class="ax-link" href="{}">{}</a>', state, address, gettext("Set a new password"))

    def has_link_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller_in(request).sees_everything

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.filter(deleted_at__isnull=True)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the name; by POST, create the person and show their link, this once."""
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        form = NewPersonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            chosen = form.cleaned_data
            try:
                made, text = people.create_person(
                    caller=caller_in(request),
                    name=chosen["username"],
                    email=chosen["email"],
                    administrator=chosen["administrator"],
                    at=timezone.now(),
                )
                return self.link_page(request, name=made.user_name, text=text)
            except DeployError as error:
                form.add_error("username" if "username" in error.details else None, shown(error.message))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Add a person"),
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, ADD_PAGE, context)

    def link_page(self, request: HttpRequest, *, name: str, text: str) -> HttpResponse:
        """Show the address, this once."""
        address = request.build_absolute_uri(reverse("choose-password", args=[text]))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Password link for {person}").format(person=name),
            "opts": self.opts,
        }
        answer = TemplateResponse(request, LINK_PAGE, {**context, "name": name, "address": address})
        add_never_cache_headers(answer)
        return answer

    @action(description=lazy("Password link"), url_path="password-link", icon="link", permissions=["link"])
    def password_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask first; by POST, make a link with which the person chooses a new password, and show it, this once."""
        person = get_object_or_404(self.get_queryset(request), pk=uuid_or_404(object_id))
        if request.method == "POST":
            try:
                made, text = people.create_password_link(
                    caller=caller_in(request), user_id=person.pk, at=timezone.now()
                )
                return self.link_page(request, name=made.user_name, text=text)
            except DeployError as error:
                show_error(request, error)
                return redirect("admin:deployments_user_change", person.pk)
        title = gettext("Password link for {person}").format(person=person.get_username())
        return render_page(request, LINK_PAGE, title=title, of=person, name=person.get_username(), address="")

    @action(description=lazy("Activity"), url_path="activity", icon="manage_history", permissions=["link"])
    def activity(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what the person changed, and what was changed of them."""
        return activity_views.person_activity(request, uuid_or_404(object_id))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Say what the person owns; by POST, hand it over and delete them."""
        if not self.has_delete_permission(request):
            return super().delete_view(request, object_id, extra_context)
        person = get_object_or_404(self.get_queryset(request), pk=uuid_or_404(object_id))
        caller = caller_in(request)
        if request.method == "POST":
            try:
                person_deletion.delete_person(
                    caller=caller,
                    user_id=person.pk,
                    typed_name=request.POST.get("name", ""),
                    heir=request.POST.get("heir", ""),
                    at=timezone.now(),
                )
                messages.success(request, gettext("{person} was deleted.").format(person=person.get_username()))
                return redirect("admin:deployments_user_changelist")
            except DeployError as error:
                show_error(request, error)
                return redirect("admin:deployments_user_delete", person.pk)
        owned = person_deletion.owned_by(caller=caller, user_id=person.pk)
        heirs = self.get_queryset(request).filter(is_active=True).exclude(pk=person.pk).order_by("username")[:MAX_HEIRS]
        title = gettext("Delete {get_username}?").format(get_username=person.get_username())
        return render_page(request, DELETE_PAGE, title=title, of=person, person=person, owned=owned, heirs=heirs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        super().save_model(request, obj, form, change)
        if changed := [name for name in form.changed_data if name != "password"]:
            detail = f"{obj.get_username()}: {names_in(f'{name} {said(form.cleaned_data[name])}' for name in changed)}"
            record(by=caller_in(request), action=AuditAction.PERSON_CHANGED, detail=detail, person_id=obj.pk)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change=change, **kwargs)
        for name, (label, text) in ACCESS_WORDS.items():
            if name in form.base_fields:
                form.base_fields[name].label, form.base_fields[name].help_text = label, text
        return form


def said(value: Any) -> str:
    """Return the value of a field, for the audit log."""
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
