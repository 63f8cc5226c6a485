"""Request bodies, read no further than their bound."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, JSONParser

from deployments import json_input
from deployments.errors import Invalid
from stackgen.code.bundle import MAX_BYTES as MAX_CODE_BYTES

CONTENT = "content"
MAX_JSON_BYTES = 16 * 1024 * 1024
# Headers and padding of the tar around the largest code.
MAX_TAR_BYTES = MAX_CODE_BYTES + 2 * 1024 * 1024


class TooLarge(APIException):
    """The body is larger than its bound; nothing beyond it was read."""

    status_code = 413


def read_bounded(stream: Any, limit: int) -> bytes:
    content: bytes = stream.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"The body is larger than {limit // 1024**2} MiB.")
    return content


class BoundedJSONParser(JSONParser):
    """JSON up to MAX_JSON_BYTES; an object, nothing else, of values that a database can keep."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        content = read_bounded(stream, MAX_JSON_BYTES)
        try:
            parsed = super().parse(BytesIO(content), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        if not isinstance(parsed, dict):
            raise ParseError("The body must be a JSON object.")
        try:
            json_input.refuse_what_cannot_be_kept(parsed)
        except Invalid as error:
            raise ParseError(f"The body cannot be stored. {error.message}") from None
        return parsed


class TarParser(BaseParser):
    """A tar as raw bytes, under the key that NodeCode reads."""

    media_type = "application/x-tar"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, bytes]:
        return {CONTENT: read_bounded(stream, MAX_TAR_BYTES)}


class OctetsParser(TarParser):
    """A tar that is sent as plain bytes."""

    media_type = "application/octet-stream"
