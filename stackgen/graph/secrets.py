"""Takes secret values out of a graph before it is stored. What is left shows that a value is set, not which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stackgen.databases.known import default_kind, find
from stackgen.errors import GraphInvalid, Problem
from stackgen.graph.raw import as_text

PASSWORD = "password"  # noqa: S105 - the name of a field
SECRET_PREFIX = "secret."  # noqa: S105 - how such a field begins


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitGraph:
    """`values` is keyed by `secret_key`; in `graph` each of them is an empty text."""

    graph: dict[str, object]
    values: dict[str, str]


def secret_key(*, node_id: str, field: str) -> str:
    """Return the key under which a project keeps the value of a node's field (`password`, or `secret.NAME`)."""
    return f"{node_id}.{field}"


def split_secrets(raw: Mapping[str, object]) -> SplitGraph:
    """Copy the graph without its secret values. An empty value is the mark of one that is kept already.

    Works on any JSON object; what is no node with a config stays as it is. Raises GraphInvalid for a password
    that its server would not take from its environment or configuration as it was meant.
    """
    values: dict[str, str] = {}
    problems: list[Problem] = []
    nodes = raw.get("nodes")
    graph = dict(raw)
    if isinstance(nodes, list | tuple):
        graph["nodes"] = [_split_node(node, values, problems) for node in nodes]
    if problems:
        raise GraphInvalid(problems)
    return SplitGraph(graph=graph, values=values)


def join_secrets(graph: Mapping[str, object], values: Mapping[str, str]) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the graph with these values, keyed as in SplitGraph, in it again, and the keys that it does not have."""
    left = dict(values)
    nodes = graph.get("nodes")
    joined = dict(graph)
    if isinstance(nodes, list | tuple):
        joined["nodes"] = [_joined_node(node, left) for node in nodes]
    return joined, tuple(left)


def _joined_node(node: object, left: dict[str, str]) -> object:
    data = node.get("data") if isinstance(node, Mapping) else None
    config = data.get("config") if isinstance(data, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(data, Mapping) or not isinstance(config, Mapping):
        return node
    filled = {
        field: left.pop(secret_key(node_id=str(node.get("id")), field=str(field)), value)
        if is_secret(str(field)) and value == ""
        else value
        for field, value in config.items()
    }
    return {**node, "data": {**data, "config": filled}}


def _split_node(node: object, values: dict[str, str], problems: list[Problem]) -> object:
    data = node.get("data") if isinstance(node, Mapping) else None
    config = data.get("config") if isinstance(data, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(data, Mapping) or not isinstance(config, Mapping):
        return node
    public = {}
    for field, value in config.items():
        if not is_secret(str(field)):
            public[field] = value
            continue
        public[field] = ""
        text = as_text(value)
        wrong = _wrong_password(text, node.get("type"), config) if field == PASSWORD and text else ""
        if wrong:
            problems.append(
                Problem(
                    node_id=str(node.get("id")),
                    node_name=str(data.get("serviceName") or ""),
                    field=f"config.{PASSWORD}",
                    message=wrong,
                )
            )
        if text:
            values[secret_key(node_id=str(node.get("id")), field=str(field))] = text
    return {**node, "data": {**data, "config": public}}


def _wrong_password(text: str, node_type: object, config: Mapping[object, object]) -> str:
    """Return what is wrong with a password, for the server that shall take it; empty when nothing is."""
    if "\n" in text or "\r" in text:
        return "must be one line"
    kind = find(as_text(config.get("databaseType")) or default_kind(node_type))
    if kind is None:
        return ""
    if kind.ascii_password and not text.isascii():
        return f"must be letters, digits and signs of ASCII: {kind.name} takes others for something else"
    short = len(text) < kind.min_password_length
    return f"must have at least {kind.min_password_length} characters for {kind.name}" if short else ""


def is_secret(field: str) -> bool:
    """Return whether the value of this config field is kept sealed."""
    return field == PASSWORD or (field.startswith(SECRET_PREFIX) and len(field) > len(SECRET_PREFIX))
