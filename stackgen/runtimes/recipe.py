"""What a runtime decides: the template of its Dockerfile, the values in it, and how to ask for a container's health."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stackgen.errors import StackgenError


class CannotBuild(StackgenError):
    """This code gives no image; `field` and `message` are for the node's problem."""

    def __init__(self, *, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`template` is empty for the code's own Dockerfile. `probe` names the tool that health checks may use.

    `has_check`: the image asks itself whether it is well. `warnings` say what people should know of this code.
    `releases`: which release of a base image the code asks for.
    """

    template: str
    values: Mapping[str, object]
    probe: str
    has_check: bool = False
    warnings: tuple[str, ...] = ()
    releases: Mapping[str, str] = field(default_factory=dict)


def from_procfile(text: str) -> str:
    """Return the command of `web`, else of `worker`, else of the only process; empty when none is found."""
    processes = dict(re.findall(r"^([A-Za-z0-9_-]+):[ \t]*(\S.*?)[ \t]*$", text, re.MULTILINE))
    return (
        processes.get("web")
        or processes.get("worker")
        or (next(iter(processes.values())) if len(processes) == 1 else "")
    )
