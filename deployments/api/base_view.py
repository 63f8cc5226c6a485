"""What every view needs: the caller, checked input, the wire's envelopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, Throttled
from rest_framework.parsers import BaseParser
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.idempotency_key import fingerprint_of, key_in
from deployments.api.parsers import BoundedJSONParser
from deployments.api.schemas.requests import RequestSchema
from deployments.api.security.throttles import RefusedRate
from deployments.errors import DeployError
from deployments.services.permissions.access import caller_of
from deployments.services.requests import idempotency
from deployments.types import Caller
from deployments.wire import SUCCESS


class BaseView(APIView):
    """A view whose bodies are bounded JSON and whose caller comes from the credentials alone."""

    parser_classes: Sequence[type[BaseParser]] = (BoundedJSONParser,)
    claimed = ""

    @property
    def caller(self) -> Caller:
        return caller_of(self.request.user)

    def take_request_id(self, body: Mapping[str, Any]) -> str:
        """Claim and return the key by which the use case knows a repeat: Idempotency-Key, or else metadata.requestId.

        Empty for none. Raise Conflict for a key that another request has used.
        """
        request_id = key_in(self.request) or str(body.get("metadata", {}).get("requestId", ""))
        if request_id:
            fingerprint = fingerprint_of(self.request)
            idempotency.claim(caller=self.caller, key=request_id, fingerprint=fingerprint)
            self.claimed = request_id
        return request_id

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an error."""
        if self.claimed and isinstance(exc, DeployError | APIException):
            # A refused request had no effect, so its key is free again.
            idempotency.release(caller=self.caller, key=self.claimed)
        if isinstance(exc, NotAuthenticated | AuthenticationFailed):
            # Whoever tries one wrong credential after another has to wait.
            refused = RefusedRate()
            if not refused.allow_request(self.request, self):
                exc = Throttled(wait=refused.wait())
        return super().handle_exception(exc)


def validated(serializer: type[RequestSchema], data: Any) -> dict[str, Any]:
    """Return the validated input. Raise ValidationError."""
    filled = serializer(data=data)
    filled.is_valid(raise_exception=True)
    return cast("dict[str, Any]", filled.validated_data)


def success(body: Mapping[str, Any], *, status: int = 200, location: str = "") -> Response:
    """Answer with the wire's success envelope."""
    headers = {"Location": location} if location else None
    return Response({"status": SUCCESS, **body}, status=status, headers=headers)
