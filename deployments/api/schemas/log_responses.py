"""What an answer on logs holds, for the OpenAPI document."""

# ruff: noqa: N815 - the wire's names

from __future__ import annotations

from rest_framework import serializers

from deployments.api.schemas.responses import ResponseSchema, string_list


class LogLineOut(ResponseSchema):
    at = serializers.CharField(help_text="Nanoseconds since 1970 by the server's clock, as text: JSON's numbers end.")
    server = serializers.CharField()
    service = serializers.CharField()
    container = serializers.CharField()
    stream = serializers.ChoiceField(choices=["stdout", "stderr"])
    text = serializers.CharField(help_text="Masked; without control characters.")


class LogsOut(ResponseSchema):
    lines = LogLineOut(many=True)
    leftOut = serializers.IntegerField(min_value=0, help_text="So many lines came too fast to be told.")
    remarks = string_list(help_text="For people: what is not among the lines, and why.")
