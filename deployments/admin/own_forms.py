"""What pages share whose rows only the use cases write: their lists, their forms, and how a refusal is shown there."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

from agents.wording.pages import shown
from deployments.admin.ownership import OwnRowsMixin, caller_in
from deployments.errors import DeployError
from deployments.services.permissions import access
from deployments.types import Right

FIELD = "border border-base-200 bg-white rounded-default px-3 py-2 w-full dark:bg-base-900 dark:border-base-700"


class UseCaseRowsMixin(OwnRowsMixin):
    """For rows that Django's forms neither change nor delete; `adds_rows` where a page of ours adds some."""

    adds_rows: ClassVar[bool] = False
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.adds_rows and self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def widget(kind: type[forms.Widget], **attributes: str) -> Any:
    return kind(attrs={"class": FIELD, **attributes})


def projects_to_change(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the projects that the signed-in user may change, as the choices of a field."""
    caller = caller_in(request)
    return [
        (str(project.id), project.name)
        for project in access.projects_of(caller)
        if access.may(caller=caller, project_id=project.id, right=Right.CHANGE)
    ]


def show_refusal(form: forms.Form, error: DeployError, *, fields: Mapping[str, str]) -> None:
    """Show a refusal at the fields that it names; `fields`: what these are called in the form."""
    if not error.details:
        form.add_error(None, shown(error.message))
    for name, why in error.details.items():
        form.add_error(fields.get(name), shown(str(why) if name in fields else error.message))
