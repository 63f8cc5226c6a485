"""The JSON schema of a graph: what forms and other programs may check before they send one."""

from __future__ import annotations

import re

from stackgen.keys.catalogue import KEYS
from stackgen.keys.key import DATABASES, EVERYBODY, GATEWAYS, SERVICES, Key
from stackgen.nodes import EDGE_NUMBERS, NODE_NUMBERS, EdgeType, NodeType

Schema = dict[str, object]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = {
    SERVICES: [NodeType.SERVICE],
    DATABASES: [NodeType.DATABASE, NodeType.QUEUE, NodeType.CACHE],
    GATEWAYS: [NodeType.GATEWAY, NodeType.INGRESS],
}


def graph_schema() -> Schema:
    """Return the schema. It lets through what only the generator can judge: names, and what values mean together."""
    return {
        "$schema": DIALECT,
        "title": "Graph",
        "type": "object",
        "required": ["nodes"],
        "properties": {
            "nodes": {"type": "array", "items": {"oneOf": [_node(group) for group in sorted(EVERYBODY)]}},
            "edges": {"type": "array", "items": _edge()},
            "network": {"enum": ["", "edges", "shared"], "description": "shared: one network for all"},
            "env": {
                "type": "object",
                "description": "variables of every service, as env.NAME of each; what a service says itself goes first",
                "additionalProperties": {"type": ["string", "number", "boolean"]},
            },
        },
    }


def config_schema(group: str) -> Schema:
    """Return the schema of `config` for one group of nodes; keys that mean nothing there are allowed."""
    keys = [key for key in KEYS if group in key.groups]
    return {
        "type": "object",
        "properties": {key.name: _key(key) for key in keys if not key.follows},
        "patternProperties": {_pattern(key): _key(key) for key in keys if key.follows},
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    }


def _key(key: Key) -> Schema:
    return {"title": key.shown, "description": f"{key.meaning} ({key.form.takes})", **key.form.schema}


def _pattern(key: Key) -> str:
    return rf"^{re.escape(key.name)}{key.named.pattern if not key.named.flags & re.IGNORECASE else '.+'}$"


def _node(group: str) -> Schema:
    numbers = [number for number, kind in NODE_NUMBERS.items() if kind in TYPES[group]]
    names = [kind.value for kind in TYPES[group]]
    return {
        "title": group,
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "type": {"enum": [*numbers, *names, *map(str.lower, names)]},
            "data": {
                "type": "object",
                "properties": {"serviceName": {"type": "string"}, "config": config_schema(group)},
            },
        },
    }


def _edge() -> Schema:
    kinds = [*EDGE_NUMBERS, *(kind.value for kind in EdgeType)]
    return {
        "type": "object",
        "required": ["source", "target"],
        "properties": {"source": {"type": "string"}, "target": {"type": "string"}, "type": {"enum": kinds}},
    }
