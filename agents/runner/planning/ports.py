"""A port of the host that somebody else has: read from what Docker printed, and said with its owner. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# In the words of engines from 20.10 to 28.
TAKEN = re.compile(
    r"Bind for \S*:(\d+) failed: port is already allocated"
    r"|(?:listen|bind)\S* (?:tcp|udp)?\S* ?\S*:(\d+): bind: address already in use"
    r"|failed to bind host port (?:for )?\S*?:(\d+)(?::\S+)?(?:/\w+)?: address already in use"
)


@dataclass(frozen=True, kw_only=True)
class PortHolder:
    """A running container that has the port. `project_id`: of the Axion project it belongs to; empty for others'."""

    name: str
    project_id: str


def taken_port(lines: Iterable[str]) -> int | None:
    """Return the port that Docker could not give, by the last line that says so."""
    found = [match for line in lines for match in TAKEN.finditer(line)]
    return next((int(each) for each in found[-1].groups() if each), None) if found else None


def taken_sentence(*, port: int, project_id: str, holders: Iterable[PortHolder], program: str) -> str:
    """Return who has the port, for whoever may see this project: others' Axion projects are not named.

    `program`: what listens there outside Docker; empty where that is not known.
    """
    mine = [each.name for each in holders if each.project_id in ("", project_id)]
    if mine:
        who = f"the container {mine[0]}"
    elif any(True for _ in holders):
        who = "a container of another project"
    else:
        who = f"the program {program}, which runs outside Docker" if program else "something outside Docker"
    return f"Port {port} is already in use on this server, by {who}. Stop that, or choose another hostPort."


def service_in(lines: Iterable[str], *, stack: str, services: Iterable[str]) -> str:
    """Return the service whose container wanted the port; empty where the lines that say so name none of these."""
    text = "\n".join(line for line in lines if TAKEN.search(line))
    named = [name for name in services if re.search(rf"\b{re.escape(stack)}-{re.escape(name)}-\d+\b", text)]
    return max(named, key=len, default="")
