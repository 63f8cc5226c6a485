"""Forms of the project page: deploy, and the sources that a deployment is made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext

from agents.wording.pages import shown
from agents.wording.sentences import sentence
from deployments import json_input
from deployments.errors import DeployError, Invalid, TooMuch
from deployments.services.requests.label_target import target_of_label
from deployments.types import Caller, DeployRequest, Target, TargetKind
from stackgen.code.bundle import MAX_BYTES as MAX_CODE_BYTES

# In front of a label in place of a target.
LABEL = "label"
# What REST and a project's file take, too.
BOUNDS = {
    "health_deadline": (1, 3600),
    "health_window": (0, 3600),
    "retention": (1, 1000),
    "repairs_per_hour": (1, 60),
    "soak_minutes": (0, 24 * 60),
}
MAX_GRAPH_BYTES = 16 * 1024 * 1024


def read_deploy_form(*, caller: Caller, project_id: UUID, posted: QueryDict) -> DeployRequest:
    """Read a posted form: `target` is "kind:id" or "label:LABEL", `envName` and `envValue` come in pairs.

    Raise Invalid, or NotFound for a label that no server has.
    """
    kind, _, label = posted.get("target", "").partition(":")
    if kind == LABEL:
        target = target_of_label(caller=caller, project_id=project_id, label=label)
    else:
        target = target_in(posted.get("target", ""))
    names, values = posted.getlist("envName"), posted.getlist("envValue")
    env_vars = {name.strip(): value for name, value in zip(names, values, strict=False) if name.strip()}
    return DeployRequest(
        project_id=project_id,
        target=target,
        env_vars=env_vars,
        force_redeploy=bool(posted.get("forceRedeploy")),
        request_id=request_id_in(posted),
        approval=posted.get("approval", ""),
        description=posted.get("description", "").strip(),
    )


def target_in(text: str) -> Target:
    """Read a target written as "kind:id". Raise Invalid."""
    kind, _, target_id = text.partition(":")
    try:
        return Target(kind=TargetKind(kind), id=UUID(target_id))
    except ValueError:
        raise Invalid(sentence("Choose where to deploy."), details={"target": sentence("choose one")}) from None


def request_id_in(posted: QueryDict) -> str:
    """Return the id by which a form that is sent twice is one request."""
    return posted.get("requestId", "")[:200]


def copies_in(text: str) -> int:
    """Read a number of copies. Raise Invalid."""
    try:
        return int(text)
    except ValueError:
        raise Invalid(
            sentence("Enter the number of copies as a whole number."), details={"replicas": sentence("a whole number")}
        ) from None


def within_bounds(form: Any) -> Any:
    """Return the form of a project's settings, its numbers within BOUNDS."""
    for name in BOUNDS.keys() & form.base_fields.keys():
        field, (lowest, highest) = form.base_fields[name], BOUNDS[name]
        field.validators += [MinValueValidator(lowest), MaxValueValidator(highest)]
        field.widget.attrs |= {"min": lowest, "max": highest}
    return form


def with_quota_check(form: Any, *, check: Callable[[], None]) -> Any:
    """Return the form, refused in the words of `check` where that raises TooMuch."""

    class CheckedForm(form):
        def clean(self) -> Any:
            try:
                check()
            except TooMuch as error:
                raise forms.ValidationError(shown(error.message)) from None
            return super().clean()

    return CheckedForm


def with_check_of(form: Any, *, field: str, check: Callable[[Any], None]) -> Any:
    """Return the form; a changed value of the field is refused there in the words of `check`, where that raises."""

    class CheckedForm(form):
        def clean(self) -> Any:
            if field in self.changed_data and field in self.cleaned_data:
                try:
                    check(self.cleaned_data[field])
                except DeployError as error:
                    self.add_error(field, shown(error.message))
            return super().clean()

    return CheckedForm


class GraphForm(forms.Form):
    """A graph as a JSON file."""

    graph = forms.FileField()

    def clean_graph(self) -> dict[str, Any]:
        file = self.cleaned_data["graph"]
        if file.size > MAX_GRAPH_BYTES:
            raise forms.ValidationError(gettext("The file is larger than 16 MiB."))
        try:
            return json_input.read_object(file.read())
        except Invalid as error:
            raise forms.ValidationError(
                gettext("The graph cannot be read. {message}").format(message=shown(error.message))
            ) from None


class CodeForm(forms.Form):
    """The code of one node as a tar."""

    node = forms.CharField(max_length=200)
    code = forms.FileField()

    def clean_code(self) -> bytes:
        file = self.cleaned_data["code"]
        if file.size > 2 * MAX_CODE_BYTES:
            raise forms.ValidationError(gettext("The file is too large."))
        content: bytes = file.read()
        return content
