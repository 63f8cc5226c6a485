"""Who may sign in. For superusers, by Django's own permissions."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from deployments.models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    # Two lists side by side are wider than a page.
    filter_horizontal = ()

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Staff choose members by name from this list; only the search of names is open to them."""
        names_only = request.resolver_match is not None and request.resolver_match.url_name == "autocomplete"
        return super().has_view_permission(request, obj) or (names_only and request.user.is_staff)
