"""Who calls REST by an API token, and what the token is good for."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from deployments.errors import Unauthenticated
from deployments.scopes import TOKEN_SCHEMES, TokenRecord
from deployments.services.permissions import api_tokens

BEARER = "An API token: `Authorization: Bearer TOKEN`, or `Authorization: Token TOKEN`, which means the same."


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]  # the library has no types
    """Takes `Token ...` and `Bearer ...` alike.

    Sets `request.auth` to the token's record, by which `permissions` decides.
    """

    def authenticate(self, request: Request) -> tuple[Any, TokenRecord] | None:
        """Return who calls, None where no token is given. Raise AuthenticationFailed."""
        scheme, _, token = get_authorization_header(request).strip().partition(b" ")
        if scheme.decode("latin1").lower() not in TOKEN_SCHEMES:
            return None
        token = token.strip()
        if not token or len(token.split()) > 1:
            raise AuthenticationFailed("The Authorization header holds no token.")
        return self.authenticate_credentials(token)

    def authenticate_credentials(self, token: bytes) -> tuple[Any, TokenRecord]:
        try:
            return api_tokens.authenticate(token=token.decode("latin1"))
        except Unauthenticated as error:
            raise AuthenticationFailed(error.message) from None


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # likewise
    """Describes it in the OpenAPI document as the library's own."""

    target_class = "deployments.api.security.authentication.TokenAuthentication"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - the library's signature
        return {"type": "http", "scheme": "bearer", "description": BEARER}
