"""Answers that all our own pages share: the page itself, and a refusal."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse

from agents.wording.pages import shown
from deployments.errors import DeployError

MAX_ERROR_LINES = 10


class Called:
    """A row under a name that its own columns do not hold, for the head of a page."""

    def __init__(self, row: Model, *, name: str) -> None:
        self._meta = row._meta
        self.pk = row.pk
        self._name = name

    def __str__(self) -> str:
        return self._name


def render_page(
    request: HttpRequest, template: str, *, title: str, of: Model, called: str = "", **context: Any
) -> TemplateResponse:
    """Render a page about the row `of`, which the head of the page leads back to; it need not be loaded whole.

    `called`: what it is called there, where the row alone does not tell.
    """
    original = Called(of, name=called) if called else of
    common = {**admin.site.each_context(request), "opts": of._meta, "original": original, "title": title}
    return TemplateResponse(request, template, {**common, **context})


def error_lines(error: DeployError) -> list[str]:
    """Return the refusal and each field that it names, in the reader's language."""
    message = error.message.lower()
    named = list(error.details.items())[:MAX_ERROR_LINES]
    return [
        shown(error.message),
        *(f"{field}: {shown(why)}" for field, why in named if str(why).lower() not in message),
    ]


def show_error(request: HttpRequest, error: DeployError) -> None:
    """Show the refusal on the next page."""
    for complaint in error_lines(error):
        messages.error(request, complaint)
