"""REST for API tokens. A new one needs a browser session: a token that leaked cannot make itself successors."""

from __future__ import annotations

from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from deployments.api.answers import TokenOut
from deployments.api.common import Door, ok
from deployments.api.documents import NO_BODY, data, documented, enveloped
from deployments.api.once import once
from deployments.api.throttles import TokenRate, UserRate
from deployments.events import epoch_ms

TAG = "tokens"


class Tokens(Door):
    authentication_classes = (SessionAuthentication,)

    def get_throttles(self) -> list[BaseThrottle]:
        return [UserRate(), TokenRate()] if self.request.method == "POST" else [UserRate()]

    @documented(
        "createToken",
        "A new token of yours, shown here and never again",
        tag=TAG,
        takes=NO_BODY,
        answers={201: enveloped("TokenAnswer", data=TokenOut())},
        key=True,
    )
    @once(keep=False)
    def post(self, request: Request) -> Response:
        stored, token = AuthToken.objects.create(user=request.user)
        return ok({"data": {"token": token, "expiresAt": epoch_ms(stored.expiry)}}, status=201)

    @documented(
        "endTokens",
        "End all your tokens",
        tag=TAG,
        answers={200: data("TokensEndedAnswer", ended=serializers.IntegerField(min_value=0))},
    )
    def delete(self, request: Request) -> Response:
        count, _ = AuthToken.objects.filter(user=request.user).delete()
        return ok({"data": {"ended": count}})
