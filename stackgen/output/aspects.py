"""A service's definition cut into named pieces, so that a comparison can say what differs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping

from stackgen.parts.types import Part
from stackgen.yaml import Value

VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$\{([A-Za-z0-9_]+)\}")
NOT_LISTED = frozenset({"build", "depends_on"})


def aspects(part: Part, definition: Mapping[str, Value]) -> dict[str, str]:
    """Return short marks by aspect; `variables` holds the names of the compose variables in use, parted by blanks."""
    marks = dict(_marks(part, definition))
    texts = (*part.environment.values(), *part.entrypoint, *part.command, *(file.content or "" for file in part.files))
    used = {name for text in texts for name in VARIABLE.findall(text)}
    used.update(file.variable for file in part.secret_files)
    if used:
        marks["variables"] = " ".join(sorted(used))
    return marks


def _marks(part: Part, definition: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for key, value in definition.items():
        if key == "environment" and isinstance(value, Mapping):
            yield from ((f"environment {name}", _mark(text)) for name, text in value.items())
        elif key == "networks" and isinstance(value, list):
            yield from ((f"network {name}", "") for name in value)
        elif key == "deploy" and isinstance(value, Mapping):
            yield from ((f"deploy.{name}", _mark(text)) for name, text in value.items() if name != "replicas")
        elif key not in NOT_LISTED:
            yield key, part.image if key == "image" else _mark(value)
    yield from ((file.file, _mark(file.text)) for file in part.files)


def _mark(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]
