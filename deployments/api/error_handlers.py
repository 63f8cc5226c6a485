"""Addresses under /api/ that lead nowhere, and failures before any view was reached: problem documents as well."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.decorators import method_decorator
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from rest_framework.response import Response

from deployments.api.errors import problem

PREFIX = "/api/"
RETRY_SECONDS = "5"


@method_decorator(csrf_exempt, name="dispatch")
class UnknownAddress(View):
    """Answer 404 to everybody, whatever the method."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return as_json_response(problem(code="NOT_FOUND", message="There is no such endpoint."))


def as_json_response(answer: Response) -> HttpResponse:
    """Render a problem document where no view does."""
    return JsonResponse(answer.data, status=answer.status_code, content_type=answer.content_type)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400; for `handler400`."""
    if not request.path_info.startswith(PREFIX):
        return defaults.bad_request(request, exception)
    return as_json_response(problem(code="VALIDATION_ERROR", message="The request could not be understood."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500; for `handler500`. Django has logged what happened."""
    if not request.path_info.startswith(PREFIX):
        return _page_of(sys.exc_info()[1], request)
    return as_json_response(
        problem(
            code="INTERNAL_ERROR",
            message="The request failed because of an internal error, which was logged. Try again.",
        )
    )


def _page_of(error: BaseException | None, request: HttpRequest) -> HttpResponse:
    """Return a page that says whether the database is gone, which asks for nothing from it."""
    if not isinstance(error, OperationalError | InterfaceError):
        return defaults.server_error(request)
    return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": RETRY_SECONDS})
