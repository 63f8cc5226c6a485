"""The admin as a whole: its first page, who signs in, the users, and library pages that are closed."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from deployments import addresses
from deployments.admin import page_data
from deployments.admin.ownership import caller_in
from deployments.limits import sign_in_tries
from deployments.models import User

# These pages know no owners, only Django's permissions or none at all: any member of staff could empty the
# queues, and groups give permissions that nothing here asks for.
CLOSED_PAGES = (("django_rq", "Dashboard"), ("knox", "AuthToken"), ("auth", "Group"))
ACCESS_WORDS = {
    "is_active": ("Active", "Untick to block this person: they are signed out, and their tokens stop working."),
    "is_staff": ("May sign in to these pages", "Without it, only the API can be used, with tokens."),
    "is_superuser": ("Administrator", "Can see and do everything, and manage people."),
}
MAX_NAME_LENGTH = 150
# Django redirects whoever gave the right password.
SIGNED_IN = 302

for app, model in CLOSED_PAGES:
    # Only what is there can be closed, whoever loads these pages first.
    import_module(f"{apps.get_app_config(app).name}.admin")
    admin.site.unregister(apps.get_model(app, model))


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Who may sign in; for superusers. Django's permissions and groups are not offered: they govern nothing here."""

    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    # Two lists side by side are wider than a page.
    filter_horizontal = ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        # Whoever adds a person means one who can sign in, which takes Django's mark of staff.
        obj.is_staff = obj.is_staff or not change
        super().save_model(request, obj, form, change)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change=change, **kwargs)
        for name, (label, text) in ACCESS_WORDS.items():
            if name in form.base_fields:
                form.base_fields[name].label, form.base_fields[name].help_text = label, text
        return form


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the index shows; for UNFOLD["DASHBOARD_CALLBACK"]."""
    return {**context, "title": "Overview", "state": page_data.dashboard(caller=caller_in(request))}


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Serve Django's sign-in page; after too many failures, 429 with `Retry-After`.

    `sign_in_tries` decides which failures count and whom they never keep out.
    """
    if request.method != "POST":
        return admin.site.login(request)
    attempt = attempt_in(request, name=request.POST.get("username", ""))
    if wait := sign_in_tries.begin(attempt, now=time.time()):
        return too_many_failures(wait)
    response = admin.site.login(request)
    if response.status_code == SIGNED_IN:
        sign_in_tries.succeeded(attempt, now=time.time())
    return response


def attempt_in(request: HttpRequest, *, name: str) -> sign_in_tries.Try:
    return sign_in_tries.Try(name=name[:MAX_NAME_LENGTH].casefold(), address=addresses.key_in(request))


def too_many_failures(wait: int) -> HttpResponse:
    """Answer 429; `wait` is in seconds."""
    text = f"Too many failed attempts to sign in. Try again in {wait} s."
    return HttpResponse(text, status=429, content_type="text/plain", headers={"Retry-After": str(wait)})
