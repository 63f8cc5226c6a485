"""Errors over HTTP: one mapping from our codes to status codes, each answer a problem document (RFC 9457).

The member `error` repeats code, message and details in the shape that the platform's other doors use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from agents.errors import AgentError
from deployments.errors import DeployError

STATUS_OF_CODE = {
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "RATE_LIMIT_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "DATABASE_ERROR": 503,
    "EXTERNAL_SERVICE_ERROR": 502,
}
CODE_OF_STATUS = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    429: "RATE_LIMIT_EXCEEDED",
}
TITLES = {
    "VALIDATION_ERROR": "Invalid input",
    "UNAUTHORIZED": "Not signed in",
    "FORBIDDEN": "Not allowed",
    "NOT_FOUND": "Not found",
    "CONFLICT": "Not possible in the current state",
    "RATE_LIMIT_EXCEEDED": "Too many requests",
    "INTERNAL_ERROR": "Internal error",
    "DATABASE_ERROR": "The database is unavailable",
    "EXTERNAL_SERVICE_ERROR": "Another service or an agent failed",
}

logger = structlog.get_logger(__name__)


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response:
    """Answer any error that leaves a view. One that is not ours is logged, and its text kept from the caller."""
    set_rollback()
    if isinstance(error, DeployError):
        return problem(code=error.code, message=error.message, details=error.details)
    if isinstance(error, AgentError):
        return problem(code=error.code, message=error.message)
    if isinstance(error, Http404):
        return problem(code="NOT_FOUND", message="Not found.")
    if isinstance(error, PermissionDenied):
        return problem(code="FORBIDDEN", message="You are not allowed to do this.")
    if isinstance(error, exceptions.APIException):
        return framework_problem(error)
    code = "DATABASE_ERROR" if isinstance(error, DatabaseError) else "INTERNAL_ERROR"
    logger.error("a REST request failed", view=type(context.get("view")).__name__, exc_info=error)
    return problem(code=code, message="The request failed because of an internal error, which was logged. Try again.")


def framework_problem(error: exceptions.APIException) -> Response:
    """Answer what the framework refuses: bad input, no sign-in, wrong method, too many requests."""
    code = CODE_OF_STATUS.get(error.status_code, "VALIDATION_ERROR")
    details = dict(flatten(error.detail)) if isinstance(error, exceptions.ValidationError) else {}
    message = "Some fields are missing or invalid." if details else str(error.detail)
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return problem(code=code, message=message, details=details, status=error.status_code, headers=headers)


def flatten(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested errors as pairs of "field.subfield" and sentence."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from flatten(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(detail, list | tuple):
        yield path or "body", " ".join(str(item) for item in detail)
    else:
        yield path or "body", str(detail)


def problem(
    *,
    code: str,
    message: str,
    details: Mapping[str, str] | None = None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with a problem document. `code` and `details` are extension members, as RFC 9457 allows."""
    number = status or STATUS_OF_CODE[code]
    error = {"code": code, "message": message, "details": dict(details or {})}
    title = TITLES[code] if STATUS_OF_CODE[code] == number else HTTPStatus(number).phrase
    body = {"type": "about:blank", "title": title, "status": number, "detail": message, "code": code}
    return Response(
        {**body, "details": error["details"], "error": error},
        status=number,
        headers=dict(headers or {}),
        content_type="application/problem+json",
    )
