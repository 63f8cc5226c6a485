"""From JSON to plain nodes and edges: shapes and sizes only, nothing about their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from stackgen.errors import Problem
from stackgen.keys.amounts import shown
from stackgen.nodes import EDGE_NUMBERS, NODE_NUMBERS, EdgeType, NodeType

MAX_NODES = 10_000
MAX_EDGES = 50_000
MAX_ID = 200
MAX_LABEL = 500
MAX_CONFIG_KEYS = 500
MAX_CONFIG_KEY = 200
MAX_CONFIG_VALUE = 32_768

Kind = TypeVar("Kind", bound=Enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawNode:
    id: str
    type: NodeType | None
    label: str
    blueprint_id: str
    config: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEdge:
    id: str
    source: str
    target: str
    type: EdgeType | None


def read_nodes(raw: Mapping[str, object], problems: list[Problem]) -> list[RawNode]:
    """Return every node that has an id; what is wrong goes to `problems`."""
    nodes = (_node(item, index, problems) for index, item in enumerate(_items(raw, "nodes", MAX_NODES, problems)))
    return [node for node in nodes if node is not None]


def read_edges(raw: Mapping[str, object], problems: list[Problem]) -> list[RawEdge]:
    """Return every edge that has two ends; what is wrong goes to `problems`."""
    edges = (_edge(item, index, problems) for index, item in enumerate(_items(raw, "edges", MAX_EDGES, problems)))
    return [edge for edge in edges if edge is not None]


def read_env(raw: Mapping[str, object], problems: list[Problem]) -> dict[str, str]:
    """Return the variables that the graph as a whole gives to every service; what is wrong goes to `problems`."""
    given = raw.get("env") if isinstance(raw, Mapping) else None
    if given is None:
        return {}
    if not isinstance(given, Mapping) or len(given) > MAX_CONFIG_KEYS:
        problems.append(Problem(field="env", message=f"must be an object of at most {MAX_CONFIG_KEYS} names"))
        return {}
    found: dict[str, str] = {}
    for name, value in given.items():
        text = as_text(value)
        if not name or not is_text(name, MAX_CONFIG_KEY):
            message = f"a name must be text of 1 to {MAX_CONFIG_KEY} characters"
            problems.append(Problem(field="env", message=message))
        elif text is None or not is_text(text, MAX_CONFIG_VALUE):
            message = f"must be text of at most {MAX_CONFIG_VALUE} characters without zero bytes"
            problems.append(Problem(field=f"env.{name}", message=message))
        else:
            found[name] = text
    return found


def _items(raw: Mapping[str, object], key: str, limit: int, problems: list[Problem]) -> list[object]:
    items = raw.get(key) if isinstance(raw, Mapping) else None
    if items is None and key == "edges":
        return []
    if not isinstance(items, list | tuple):
        problems.append(Problem(field=key, message="must be a list"))
        return []
    if len(items) > limit:
        problems.append(Problem(field=key, message=f"at most {limit}, not {len(items)}"))
        return []
    return list(items)


def _node(item: object, index: int, problems: list[Problem]) -> RawNode | None:
    where = f"nodes[{index}]"
    if not isinstance(item, Mapping):
        problems.append(Problem(field=where, message="must be an object"))
        return None
    node_id = item.get("id")
    if not is_text(node_id, MAX_ID) or not node_id:
        problems.append(Problem(field=f"{where}.id", message=f"must be text of 1 to {MAX_ID} characters"))
        return None
    data = item.get("data")
    data = data if isinstance(data, Mapping) else {}
    label = data.get("serviceName") or ""
    if not is_text(label, MAX_LABEL):
        problems.append(
            Problem(node_id=node_id, field="serviceName", message=f"must be text of at most {MAX_LABEL} characters")
        )
        label = ""
    blueprint = data.get("blueprintId")
    config = _config(data.get("config"), node_id, label, problems)
    at = Problem(node_id=node_id, node_name=label, field="type", message="")
    return RawNode(
        id=node_id,
        type=_kind(item.get("type"), NodeType, NODE_NUMBERS, at, problems),
        label=label,
        blueprint_id=blueprint if isinstance(blueprint, str) else "",
        config=config,
    )


def _config(value: object, node_id: str, label: str, problems: list[Problem]) -> dict[str, str]:
    def note(field: str, message: str) -> None:
        problems.append(Problem(node_id=node_id, node_name=label, field=field, message=message))

    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > MAX_CONFIG_KEYS:
        note("config", f"must be an object of at most {MAX_CONFIG_KEYS} members")
        return {}
    config = {}
    for key, item in value.items():
        if not is_text(key, MAX_CONFIG_KEY):
            note("config", f"a key must be text of at most {MAX_CONFIG_KEY} characters")
            continue
        text = as_text(item)
        if text is None or not is_text(text, MAX_CONFIG_VALUE):
            # The value itself stays out of the message: it may be a password.
            note(f"config.{key}", f"must be text of at most {MAX_CONFIG_VALUE} characters without zero bytes")
            continue
        config[key] = text
    return config


def _edge(item: object, index: int, problems: list[Problem]) -> RawEdge | None:
    where = f"edges[{index}]"
    if not isinstance(item, Mapping):
        problems.append(Problem(field=where, message="must be an object"))
        return None
    ends = item.get("source"), item.get("target")
    source, target = ends
    if not (isinstance(source, str) and isinstance(target, str)):
        problems.append(Problem(field=where, message="needs the ids of its source and its target"))
        return None
    edge_id = item.get("id")
    kind = _kind(item.get("type", 2), EdgeType, EDGE_NUMBERS, Problem(field=f"{where}.type", message=""), problems)
    return RawEdge(id=edge_id if isinstance(edge_id, str) else f"#{index}", source=source, target=target, type=kind)


def _kind(
    value: object, names: type[Kind], numbers: Mapping[int, Kind], at: Problem, problems: list[Problem]
) -> Kind | None:
    """Return the member with this number or name; None and a problem otherwise."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text.isascii() and text.isdigit() and len(text) < 5 and int(text) in numbers:
        return numbers[int(text)]
    name = text.upper().removeprefix("NODE_TYPE_").removeprefix("EDGE_TYPE_")
    if name in names.__members__:
        return names[name]
    known = ", ".join([f"{number} {kind.name}" for number, kind in numbers.items()])
    others = ", ".join(kind.name for kind in names if kind not in numbers.values())
    message = f"{shown(text or type(value).__name__)} is unknown; known: {known}, {others}"
    problems.append(Problem(node_id=at.node_id, node_name=at.node_name, field=at.field, message=message))
    return None


def as_text(value: object) -> str | None:
    """Return a config value as text; numbers and booleans, as in hand-written files, too. None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) else None


def is_text(value: object, max_length: int) -> bool:
    """Return whether it is text that can become part of a UTF-8 file and of a process environment."""
    if not isinstance(value, str) or len(value) > max_length or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
