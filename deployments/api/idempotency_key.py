"""Idempotency-Key: a POST that is repeated under its key has one effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.errors import Invalid
from deployments.services.permissions.access import caller_of
from deployments.services.requests import idempotency
from deployments.services.requests.idempotency import Answer

HEADER = "Idempotency-Key"
REPEATED_HEADER = "Idempotency-Replayed"
MAX_KEY_LENGTH = 200

PostMethod = Callable[..., Response]


def idempotent(*, keep: bool = True) -> Callable[[PostMethod], PostMethod]:
    """Decorate a POST that only writes our own tables: its effect, its key and its answer share one transaction.

    `keep=False` for answers that hold a secret: these are never stored.
    """

    def decorate(post: PostMethod) -> PostMethod:
        @wraps(post)
        def keyed(view: Any, request: Request, **arguments: Any) -> Response:
            key = key_in(request)
            if not key:
                return post(view, request, **arguments)
            answer = idempotency.answer_once(
                caller=caller_of(request.user),
                key=key,
                fingerprint=fingerprint_of(request),
                act=lambda: as_answer(post(view, request, **arguments)),
                keep=keep,
            )
            return as_response(answer)

        return keyed

    return decorate


def key_in(request: Request) -> str:
    """Return the header's value, empty for none. Raise Invalid."""
    key = str(request.headers.get(HEADER, "")).strip()
    if len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise Invalid("The idempotency key is not valid.", details={HEADER: "at most 200 printable characters"})
    return key


def fingerprint_of(request: Request) -> str:
    """Return a keyed digest that tells requests apart; bodies hold secrets, so it must not reveal them."""
    body = json.dumps(request.data, sort_keys=True, default=str)
    content = f"{request.method} {request.path}\n{body}"
    return salted_hmac("deployments.api.once", content, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()


def as_answer(response: Response) -> Answer:
    return Answer(status=response.status_code, body=response.data or {}, location=response.headers.get("Location", ""))


def as_response(answer: Answer) -> Response:
    headers = {"Location": answer.location} if answer.location else {}
    if answer.repeated:
        headers[REPEATED_HEADER] = "true"
    return Response(dict(answer.body), status=answer.status, headers=headers)
