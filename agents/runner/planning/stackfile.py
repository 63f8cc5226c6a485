"""A release's compose file as plain data, and written again from that data: Compose gets exactly what was judged. Pure.

Two readers of one YAML text may read it differently. So it is read once, here, and what Compose is given is JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from agents.runner.errors import StepFailedError

FILE_NAME = "axion.compose.json"
MAX_VALUES = 1_000_000
MAX_DEPTH = 40
# What JSON leaves as it is and a reader of YAML takes for a line break or for no character at all.
NOT_PRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
INFINITIES = frozenset({"inf", "-inf", "nan"})
TIMESTAMP = "tag:yaml.org,2002:timestamp"
INTEGER = "tag:yaml.org,2002:int"
BOOLEAN = "tag:yaml.org,2002:bool"


class _Loader(yaml.CSafeLoader):
    """Words as Compose reads them: `yes`, `2026-11-27` and `22:22` are texts."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag not in {TIMESTAMP, INTEGER, BOOLEAN}]
    for letter, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(BOOLEAN, re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    INTEGER, re.compile(r"([-+]?(0b[01_]+|0o?[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+))$"), list("-+0123456789")
)


@lru_cache(maxsize=4)
def read_stack(text: str) -> dict[str, Any]:
    """Return the file's content, to be read only.

    Raises StepFailedError(invalid) for what is not one plain document of texts, numbers, lists and tables.
    """
    try:
        _check_depth(text)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with fewer kinds of values
        _count(document, depth=0, left=[MAX_VALUES])
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise StepFailedError("invalid", f"docker-compose.yml cannot be read: {_first_line(error)}") from error
    if not isinstance(document, dict):
        raise StepFailedError("invalid", "docker-compose.yml is not a table of services.")
    return document


def write_stack(document: Mapping[str, Any]) -> str:
    """Return the content as JSON that every reader of YAML takes for the same; what only builds need is left out."""
    services = {name: _without_build(service) for name, service in (document.get("services") or {}).items()}
    text = json.dumps({**document, "services": services}, indent=1, ensure_ascii=False, allow_nan=False)
    return NOT_PRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _without_build(service: object) -> object:
    if not isinstance(service, dict):
        return service
    return {key: value for key, value in service.items() if key != "build"}


def _check_depth(text: str) -> None:
    """Raise ValueError for deeper nesting than any stack has: what builds the values goes as deep as the text says."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError(f"it has more than {MAX_DEPTH} levels")


def _count(value: object, *, depth: int, left: list[int]) -> None:
    """Raise ValueError for content that would grow without bound when written, and for values that JSON lacks."""
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise ValueError(f"it has more than {MAX_VALUES} values or more than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, below in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{key!r} is not a name: write it in quotes")
            _count(below, depth=depth + 1, left=left)
    elif isinstance(value, list):
        for below in value:
            _count(below, depth=depth + 1, left=left)
    elif not isinstance(value, str | int | float | None) or (str(value) in INFINITIES and isinstance(value, float)):
        raise ValueError(f"{type(value).__name__} is not a kind of value that a compose file has")


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
