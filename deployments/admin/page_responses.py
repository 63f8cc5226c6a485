"""Answers that all our own pages share: the page itself, and a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext

from agents.models import Server
from agents.wording.pages import shown
from agents.wording.sentences import sentence
from deployments.errors import DeployError, Invalid

MAX_ERROR_LINES = 10


class Crumb(TypedDict):
    """A part of the way to a page: what it says, and where it leads."""

    title: str
    link: str


class Called:
    """A row under a name that its own columns do not hold, for the head of a page; `way`: how one gets there."""

    def __init__(self, row: Model, *, name: str, way: Sequence[Crumb] = ()) -> None:
        self._meta = row._meta
        self.pk = row.pk
        self._name = name
        self.way = tuple(way)

    def __str__(self) -> str:
        return self._name


def render_page(
    request: HttpRequest,
    template: str,
    *,
    title: str,
    of: Model,
    called: str = "",
    way: Sequence[Crumb] = (),
    **context: Any,
) -> TemplateResponse:
    """Render a page about the row `of`, which the head of the page leads back to; it need not be loaded whole.

    `called`: what it is called there, where the row alone does not tell; `way`: the whole way, where it is no list's.
    """
    if isinstance(of, Server):
        way = way or _way_to_server(of)
    original = Called(of, name=called or str(of), way=way) if called or way else of
    common = {**admin.site.each_context(request), "opts": of._meta, "original": original, "title": title}
    return TemplateResponse(request, template, {**common, **context})


def _way_to_server(server: Server) -> list[Crumb]:
    """Return the way to a server's own page, which is not that of its settings."""
    return [
        {"title": gettext("Servers"), "link": reverse("admin:agents_server_changelist")},
        {"title": server.name, "link": reverse("admin:agents_server_overview", args=[server.pk])},
    ]


def way_to_deployment(*, deployment_id: UUID, project_id: UUID, project_name: str, version: str = "") -> list[Crumb]:
    """Return the way to a deployment's page, by names: projects, its project, its version or the start of its id."""
    return [
        {"title": gettext("Projects"), "link": reverse("admin:deployments_project_changelist")},
        {"title": project_name, "link": reverse("admin:deployments_project_change", args=[project_id])},
        {
            "title": version or str(deployment_id)[:8],
            "link": reverse("admin:deployments_deployment_change", args=[deployment_id]),
        },
    ]


def error_lines(error: DeployError) -> list[str]:
    """Return the refusal and each field that it names, in the reader's language."""
    message = error.message.lower()
    named = list(error.details.items())[:MAX_ERROR_LINES]
    return [
        shown(error.message),
        *(f"{field}: {shown(why)}" for field, why in named if str(why).lower() not in message),
    ]


def unknown_action() -> Invalid:
    """Return the refusal of a form whose `do` is none of its buttons': nothing is done that nobody chose."""
    return Invalid(sentence("Choose what to do."), details={"do": sentence("unknown")})


def show_error(request: HttpRequest, error: DeployError) -> None:
    """Show the refusal on the next page."""
    for complaint in error_lines(error):
        messages.error(request, complaint)
