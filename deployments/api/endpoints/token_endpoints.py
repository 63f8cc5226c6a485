"""REST for API tokens. They take a browser session: a token that leaked cannot make itself successors."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from deployments.api.base_view import BaseView, success, validated
from deployments.api.idempotency_key import idempotent
from deployments.api.parsers import BoundedJSONParser
from deployments.api.schemas.openapi import documented, enveloped, enveloped_data
from deployments.api.schemas.requests import TokenIn
from deployments.api.schemas.token_responses import NewTokenOut, TokenOut
from deployments.api.security.throttles import TokenRate, UserRate
from deployments.event_types import epoch_ms
from deployments.scopes import Scope, TokenRecord
from deployments.services.permissions import api_tokens

TAG = "tokens"


class Tokens(BaseView):
    authentication_classes = (SessionAuthentication,)
    # Browsers post forms; a body of another kind that was passed over would make a token that may all.
    parser_classes = (BoundedJSONParser, FormParser, MultiPartParser)
    fresh = ("POST",)

    def get_throttles(self) -> list[BaseThrottle]:
        return [UserRate(), TokenRate()] if self.request.method == "POST" else [UserRate()]

    @documented(
        "createToken",
        "Create an API token; it is shown once",
        tag=TAG,
        takes={"application/json": TokenIn},
        answers={201: enveloped("TokenAnswer", data=NewTokenOut())},
        key=True,
    )
    @idempotent(keep=False)
    def post(self, request: Request) -> Response:
        body = validated(TokenIn, request.data)
        token, text = api_tokens.create_token(
            caller=self.caller,
            name=body.get("name", ""),
            scope=Scope(body.get("scope", Scope.ALL)),
            days=body.get("expiresInDays", api_tokens.DEFAULT_DAYS),
        )
        return success({"data": {**token_shape(token), "token": text}}, status=201)

    @documented(
        "listTokens",
        "List your API tokens",
        tag=TAG,
        answers={200: enveloped_data("TokensAnswer", tokens=TokenOut(many=True))},
    )
    def get(self, request: Request) -> Response:
        return success(
            {"data": {"tokens": [token_shape(token) for token in api_tokens.list_tokens(caller=self.caller)]}}
        )

    @documented(
        "endTokens",
        "Revoke all your API tokens",
        tag=TAG,
        answers={200: enveloped_data("TokensEndedAnswer", ended=serializers.IntegerField(min_value=0))},
    )
    def delete(self, request: Request) -> Response:
        return success({"data": {"ended": api_tokens.revoke_all_tokens(caller=self.caller)}})


class Token(BaseView):
    authentication_classes = (SessionAuthentication,)

    @documented("endToken", "Revoke an API token", tag=TAG, answers={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        api_tokens.revoke_token(caller=self.caller, token_id=token_id)
        return Response(status=204)


def token_shape(token: TokenRecord) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "scope": str(token.scope),
        "createdAt": epoch_ms(token.created_at),
        "expiresAt": epoch_ms(token.expires_at),
        "lastUsedAt": epoch_ms(token.last_used_at),
    }
