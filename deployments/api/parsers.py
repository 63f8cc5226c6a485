"""Request bodies, read no further than their bound."""

# ruff: noqa: ARG002 - signatures are the framework's

from __future__ import annotations

import math
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, JSONParser

from stackgen.code import MAX_BYTES as LARGEST_CODE

CONTENT = "content"
LARGEST_JSON = 16 * 1024 * 1024
DEEPEST_JSON = 64
# Headers and padding of the tar around the largest code.
LARGEST_TAR = LARGEST_CODE + 2 * 1024 * 1024


class TooLarge(APIException):
    """The body is larger than its bound; nothing beyond it was read."""

    status_code = 413


def read_bounded(stream: Any, limit: int) -> bytes:
    content: bytes = stream.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"The body is larger than {limit // 1024**2} MiB.")
    return content


class BoundedJSONParser(JSONParser):
    """JSON up to LARGEST_JSON; an object, nothing else, of values that a database can keep."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        content = read_bounded(stream, LARGEST_JSON)
        try:
            parsed = super().parse(BytesIO(content), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        if not isinstance(parsed, dict):
            raise ParseError("The body must be a JSON object.")
        refuse_what_cannot_be_kept(parsed)
        return parsed


def refuse_what_cannot_be_kept(parsed: Any) -> None:
    """NUL bytes, halves of surrogate pairs, numbers beyond the finite, and depths that others cannot read."""
    waiting: list[tuple[Any, int]] = [(parsed, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST_JSON:
            raise ParseError("The body is nested too deeply.")
        if isinstance(value, str):
            refuse_text(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise ParseError("The body holds a number that is not finite.")
        elif isinstance(value, dict):
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]


def refuse_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError("The body holds a NUL byte.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ParseError("The body holds half of a surrogate pair.") from error


class TarParser(BaseParser):
    """A tar as raw bytes, under the key that NodeCode reads."""

    media_type = "application/x-tar"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, bytes]:
        return {CONTENT: read_bounded(stream, LARGEST_TAR)}


class OctetsParser(TarParser):
    """The same without a name for its kind."""

    media_type = "application/octet-stream"
