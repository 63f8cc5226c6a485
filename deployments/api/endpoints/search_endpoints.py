"""REST for the search over everything."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.base_view import BaseView, success, validated
from deployments.api.schemas.openapi import documented, enveloped_data
from deployments.api.schemas.requests import RequestSchema
from deployments.api.schemas.responses import ResponseSchema, string_list
from deployments.data.search_types import FoundKind
from deployments.services.queries import search

OWNERS = (FoundKind.PROJECT, FoundKind.SERVER, FoundKind.INCIDENT, FoundKind.CHANNEL)


class SearchQuery(RequestSchema):
    q = serializers.CharField(
        min_length=search.MIN_LENGTH,
        max_length=search.MAX_LENGTH,
        help_text=f"Up to {search.MAX_WORDS} words, in whichever case; all of them are looked for.",
    )


class FoundOut(ResponseSchema):
    kind = serializers.ChoiceField(choices=[kind.value for kind in FoundKind])
    id = serializers.UUIDField(help_text="Of the thing, or of what it stands in: see `of`.")
    title = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    of = serializers.ChoiceField(
        choices=[kind.value for kind in OWNERS],
        allow_null=True,
        help_text="For what has no id of its own (service, variable, volume, invitation of yours, mute): "
        "whose `id` this is.",
    )
    address = serializers.CharField(
        allow_blank=True, help_text="Of a page of the documentation, on this installation. Empty for everything else."
    )


class Search(BaseView):
    @documented(
        "search",
        "Find anything that you may see, by its name or the beginning of its id",
        tag="search",
        query=SearchQuery,
        answers={200: enveloped_data("SearchAnswer", found=FoundOut(many=True), more=string_list())},
    )
    def get(self, request: Request) -> Response:
        """Return at most 8 of each kind; `more` names the kinds of which there are more.

        Deployments are looked for among the newest 1000, by id among all; services in the graphs of the newest 200
        projects. Your API tokens are found, by name, in a browser's session alone. No value is ever looked at.
        """
        signed_in = isinstance(request.successful_authenticator, SessionAuthentication)
        text = validated(SearchQuery, request.query_params)["q"]
        result = search.search(caller=self.caller, text=text, signed_in=signed_in)
        found = [
            {
                "kind": str(item.kind),
                "id": str(item.id),
                "title": item.title,
                "detail": item.detail,
                "of": str(item.of) if item.of else None,
                "address": item.address,
            }
            for item in result.items
        ]
        return success({"data": {"found": found, "more": sorted(map(str, result.more))}})
