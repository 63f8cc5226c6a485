"""A graph from JSON, checked as a whole: what passes here can be stored and, with its code, deployed."""

from __future__ import annotations

from collections.abc import Mapping

from stackgen.errors import GraphInvalid, Problem
from stackgen.graph.checks import check_meaning, known_edges
from stackgen.graph.raw import RawNode, read_edges, read_nodes
from stackgen.graph.settings import read_settings
from stackgen.nodes import Edge, EdgeType, Graph, Node, NodeType, Settings

__all__ = ["Edge", "EdgeType", "Graph", "Node", "NodeType", "Settings", "parse_graph", "read_graph"]


def parse_graph(raw: Mapping[str, object]) -> Graph:
    """Return the graph with typed values. Raises GraphInvalid with every problem at once."""
    graph, problems = read_graph(raw)
    if problems:
        raise GraphInvalid(problems)
    return graph


def read_graph(raw: Mapping[str, object]) -> tuple[Graph, list[Problem]]:
    """Return what can be read, and every problem. Nodes with a problem hold harmless values, or are missing."""
    problems: list[Problem] = []
    raw_nodes = read_nodes(raw, problems)
    raw_edges = read_edges(raw, problems)
    edges = known_edges(raw_nodes, raw_edges, problems)
    nodes = [_node(node, problems) for node in _without_repeats(raw_nodes, problems)]
    graph = Graph(
        nodes=tuple(node for node in nodes if node is not None),
        edges=tuple(
            Edge(id=edge.id, source=edge.source, target=edge.target, type=edge.type)
            for edge in edges
            if edge.type is not None
        ),
    )
    problems.extend(check_meaning(graph))
    return graph, problems


def _node(raw: RawNode, problems: list[Problem]) -> Node | None:
    settings = read_settings(raw, problems)
    if raw.type is None:
        return None
    return Node(
        id=raw.id,
        type=raw.type,
        label=raw.label,
        blueprint_id=raw.blueprint_id,
        config=raw.config,
        settings=settings,
    )


def _without_repeats(nodes: list[RawNode], problems: list[Problem]) -> list[RawNode]:
    first: dict[str, RawNode] = {}
    for node in nodes:
        if node.id in first:
            message = f"the id belongs to {first[node.id].label!r} already"
            problems.append(Problem(node_id=node.id, node_name=node.label, field="id", message=message))
        else:
            first[node.id] = node
    return list(first.values())
