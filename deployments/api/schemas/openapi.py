"""What the OpenAPI document says of an endpoint, beside the endpoint itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

from deployments.api.descriptions import DESCRIPTIONS
from deployments.api.idempotency_key import HEADER, MAX_KEY_LENGTH
from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ProblemOut

F = TypeVar("F", bound=Callable[..., Any])

PROBLEM = "application/problem+json"
NO_BODY = OpenApiTypes.NONE
TAR = {"application/x-tar": OpenApiTypes.BINARY, "application/octet-stream": OpenApiTypes.BINARY}
MEANING_OF_STATUS = {
    400: "A field is missing or invalid; `details` names it.",
    401: "Credentials are missing, invalid or no longer valid.",
    403: "You can view this, but you are not allowed to do it.",
    404: "Not found, or not visible to you.",
    409: "Not possible in the current state, or the key was already used for a different request.",
    413: "The body is too large.",
    415: "The media type of the body is not supported.",
    429: "Too many requests; `Retry-After` says when to try again.",
    502: "Another service or an agent failed.",
    503: "The database is unavailable.",
}
ALWAYS = (400, 401, 403, 404, 409, 429, 502, 503)
WITH_BODY = (413, 415)
IDEMPOTENCY_KEY = OpenApiParameter(
    name=HEADER,
    type={"type": "string", "maxLength": MAX_KEY_LENGTH, "pattern": r"^[!-~]+$"},
    location=OpenApiParameter.HEADER,
    description="Makes the request safe to repeat: for a day, repeating it with the same key has no second effect.",
)


def documented(
    operation: str,
    summary: str,
    *,
    tag: str,
    answers: Mapping[int, Any],
    takes: Any = None,
    query: type[RequestSchema] | None = None,
    key: bool = False,
    examples: Sequence[OpenApiExample] = (),
) -> Callable[[F], F]:
    """Describe an operation: its id, a line for people, its answers by status, what it takes.

    `key` says that an Idempotency-Key counts.
    """
    refusals = (*ALWAYS, *(WITH_BODY if takes is not None or key else ()))
    parameters: list[Any] = [*([query] if query else []), *([IDEMPOTENCY_KEY] if key else [])]
    return extend_schema(
        operation_id=operation,
        summary=summary,
        # Never what a class says of itself to those who read the code.
        description=DESCRIPTIONS.get(operation, summary),
        tags=[tag],
        request=takes,
        parameters=parameters,
        responses={
            **answers,
            **{(status, PROBLEM): OpenApiResponse(ProblemOut, MEANING_OF_STATUS[status]) for status in refusals},
        },
        examples=list(examples),
    )


def enveloped(name: str, **members: Any) -> Any:
    """Describe the wire's success envelope around these members."""
    return inline_serializer(name, {"status": serializers.IntegerField(min_value=1, max_value=1), **members})


def enveloped_data(name: str, **members: Any) -> Any:
    """Describe the success envelope with these members under `data`."""
    return enveloped(name, data=inline_serializer(f"{name}Data", dict(members)))


def request_example(name: str, value: Any) -> OpenApiExample:
    """Show an example of a body."""
    return OpenApiExample(name, value=value, request_only=True)


def response_example(name: str, value: Any, *, status: int = 200) -> OpenApiExample:
    """Show an example of an answer."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])
