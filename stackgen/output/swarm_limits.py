"""What a graph may ask of Compose and Swarm does not have: refused by name, never left out."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.errors import Problem
from stackgen.parts.types import Part


def beyond_swarm(part: Part) -> Iterator[Problem]:
    """Yield a problem for each setting of a node that Swarm would ignore or refuse."""
    for port in part.ports:
        if port.address:
            where = f"{port.address}:{port.outside}:{port.inside}"
            yield _at(part, "config.ports", f"{where} asks for one address, and Swarm publishes on all of a host")


def _at(part: Part, field: str, message: str) -> Problem:
    return Problem(node_id=part.node.id, node_name=part.node.label, field=field, message=message)
