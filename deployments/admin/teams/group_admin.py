"""Groups of people, for administrators: who belongs to which. Roles are given on the projects."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminTextInputWidget

from agents.wording.pages import lazy
from deployments.admin.ownership import OwnRowsMixin, caller_in
from deployments.models import PeopleGroup, User
from deployments.services.accounts import groups


class GroupForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    people_in = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(), required=False, label=lazy("People"), widget=UnfoldAdminSelectMultipleWidget()
    )

    class Meta:
        model = PeopleGroup
        fields = ("name",)
        widgets = {"name": UnfoldAdminTextInputWidget()}

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field: Any = self.fields["people_in"]
        field.queryset = User.objects.filter(is_active=True, deleted_at__isnull=True).order_by("username")
        if not self.instance._state.adding:
            self.initial["people_in"] = list(self.instance.people.values_list("pk", flat=True))


@admin.register(PeopleGroup)
class GroupAdmin(OwnRowsMixin, ModelAdmin):
    form = GroupForm
    list_display = ("name", "count")
    search_fields = ("name",)
    actions = None
    empty_title = lazy("No groups yet")
    empty_hint = lazy("People in a group get a role in a project together, given on the project's page People.")
    empty_link = ("admin:deployments_peoplegroup_add", lazy("Add a group"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) and caller_in(request).sees_everything

    has_add_permission = has_module_permission

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PeopleGroup]:
        rows: QuerySet[PeopleGroup] = super().get_queryset(request)
        return rows.annotate(people_count=Count("places"))

    @display(description=lazy("People"))
    def count(self, group: Any) -> int:
        return int(group.people_count)

    def save_model(self, request: HttpRequest, obj: PeopleGroup, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        groups.save_group(
            caller=caller_in(request),
            group_id=obj.pk,
            name=obj.name,
            user_ids=[person.pk for person in form.cleaned_data["people_in"]],
            at=timezone.now(),
        )
        obj._state.adding = False

    def delete_model(self, request: HttpRequest, obj: PeopleGroup) -> None:
        groups.delete_group(caller=caller_in(request), group_id=obj.pk, at=timezone.now())
