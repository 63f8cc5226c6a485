"""What every view needs: the caller, checked input, the wire's envelopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.parsers import BoundedJSONParser
from deployments.api.serializers import Checked
from deployments.services.access import caller_of
from deployments.types import Caller
from deployments.wire import SUCCESS


class Door(APIView):
    """A view whose bodies are bounded JSON and whose caller comes from the credentials alone."""

    parser_classes: Sequence[type[BaseParser]] = (BoundedJSONParser,)

    @property
    def caller(self) -> Caller:
        return caller_of(self.request.user)


def checked(serializer: type[Checked], data: Any) -> dict[str, Any]:
    """The validated input. Raises ValidationError."""
    filled = serializer(data=data)
    filled.is_valid(raise_exception=True)
    return cast("dict[str, Any]", filled.validated_data)


def ok(body: Mapping[str, Any], *, status: int = 200, location: str = "") -> Response:
    """The wire's success envelope."""
    headers = {"Location": location} if location else None
    return Response({"status": SUCCESS, **body}, status=status, headers=headers)


def request_id_of(request: Request, body: Mapping[str, Any]) -> str:
    """What makes a repeat a repeat: the Idempotency-Key header, or else metadata.requestId."""
    return str(request.headers.get("Idempotency-Key") or body.get("metadata", {}).get("requestId", ""))
