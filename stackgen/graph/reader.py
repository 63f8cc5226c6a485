"""A graph from JSON, checked as a whole: what passes here can be stored and, with its code, deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from stackgen.errors import GraphInvalid, Problem, one_line
from stackgen.graph.checks import check_meaning, known_edges
from stackgen.graph.raw import RawNode, read_edges, read_env, read_nodes
from stackgen.graph.settings import read_settings
from stackgen.nodes import Edge, EdgeType, Graph, Node, NodeType, Settings

__all__ = ["Edge", "EdgeType", "Graph", "Node", "NodeType", "Settings", "parse_graph", "read_graph"]

MAX_WARNINGS = 100


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
    warnings: list[str] = []
    env = read_env(raw, problems)
    nodes = [_node(node, env, problems, warnings) for node in _without_repeats(raw_nodes, problems)]
    shares = _shares_network(raw, problems)
    graph = Graph(
        nodes=tuple(_sharing(node) if shares else node for node in nodes if node is not None),
        edges=tuple(
            Edge(id=edge.id, source=edge.source, target=edge.target, type=edge.type)
            for edge in edges
            if edge.type is not None
        ),
        warnings=tuple(_few(warnings)),
    )
    problems.extend(check_meaning(graph))
    return graph, problems


def _shares_network(raw: Mapping[str, object], problems: list[Problem]) -> bool:
    """Return whether the graph as a whole asks for one network."""
    asked = raw.get("network") if isinstance(raw, Mapping) else None
    if asked is not None and asked not in ("", "edges", "shared"):
        problems.append(Problem(field="network", message="must be edges or shared"))
    return asked == "shared"


def _sharing(node: Node) -> Node:
    return node if node.settings.network else replace(node, settings=replace(node.settings, network="shared"))


def _few(warnings: list[str]) -> list[str]:
    """Return so many warnings that people read them, and how many more there are."""
    lines = [one_line(warning) for warning in warnings[:MAX_WARNINGS]]
    left = len(warnings) - len(lines)
    return [*lines, f"{left} more keys mean nothing here"] if left else lines


def _node(raw: RawNode, env: Mapping[str, str], problems: list[Problem], warnings: list[str]) -> Node | None:
    settings = read_settings(_given(raw, env), problems, warnings)
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


def _given(raw: RawNode, env: Mapping[str, str]) -> RawNode:
    """Return a service that is deployed here with the graph's own variables, where it says no others."""
    if not env or raw.type is not NodeType.SERVICE or raw.config.get("external", "").strip():
        return raw
    return replace(raw, config={**{f"env.{name}": value for name, value in env.items()}, **raw.config})


def _without_repeats(nodes: list[RawNode], problems: list[Problem]) -> list[RawNode]:
    first: dict[str, RawNode] = {}
    for node in nodes:
        if node.id in first:
            message = f"the id belongs to {first[node.id].label!r} already"
            problems.append(Problem(node_id=node.id, node_name=node.label, field="id", message=message))
        else:
            first[node.id] = node
    return list(first.values())
