"""Where the nodes of a graph are that lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stackgen.databases.known import KINDS
from stackgen.nodes import Graph, Node

PORT_OF_SCHEME = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What of an external node can be connected to; no user and no password."""

    node_id: str
    label: str
    host: str
    port: int


def endpoints_elsewhere(graph: Graph) -> Iterator[Elsewhere]:
    """Yield the external nodes that have an address, in the order of the graph."""
    for node in graph.nodes:
        if node.settings.external and node.settings.host:
            yield Elsewhere(node_id=node.id, label=node.label, host=node.settings.host, port=_port(node))


def _port(node: Node) -> int:
    settings = node.settings
    if settings.port:
        return settings.port
    return KINDS[settings.kind].port if settings.kind else PORT_OF_SCHEME[settings.scheme or "http"]
