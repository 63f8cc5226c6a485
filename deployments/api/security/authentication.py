"""Who calls REST by an API token, and what the token is good for."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from deployments.errors import Unauthenticated
from deployments.scopes import TokenRecord
from deployments.services.permissions import api_tokens


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]  # the library has no types
    """Sets `request.auth` to the token's record, by which `permissions` decides."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, TokenRecord]:
        try:
            return api_tokens.authenticate(token=token.decode("latin1"))
        except Unauthenticated as error:
            raise AuthenticationFailed(error.message) from None


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # likewise
    """Describes it in the OpenAPI document as the library's own."""

    target_class = "deployments.api.security.authentication.TokenAuthentication"
