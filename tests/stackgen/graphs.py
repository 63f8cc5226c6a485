"""Short ways to write graphs, and stacks made of them, in tests."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from stackgen.code.bundle import CodeFacts
from stackgen.graph.reader import parse_graph
from stackgen.graph.secrets import split_secrets
from stackgen.results import COMPOSE_FILE, Stack, StackOptions
from stackgen.stack import generate

VOTING = Path(__file__).parents[2] / "templates" / "projects" / "voting"
SERVICE, DATABASE, GATEWAY = 1, 2, 3


def node(name: str, kind: int | str = SERVICE, *, id: str = "", **config: Any) -> dict[str, Any]:  # noqa: A002
    """Return a node whose id is its name; keyword names are config keys, `__` standing for a dot."""
    keys = {key.replace("__", "."): value for key, value in config.items()}
    return {"id": id or name, "type": kind, "data": {"serviceName": name, "blueprintId": "", "config": keys}}


def graph(*nodes: Mapping[str, Any], edges: Collection[str] = ()) -> dict[str, Any]:
    """Return a graph; edges are written "caller callee"."""
    ends = [edge.split() for edge in edges]
    return {
        "nodes": list(nodes),
        "edges": [{"id": f"e{n}", "source": a, "target": b, "type": 2} for n, (a, b) in enumerate(ends)],
    }


def web(name: str, **config: Any) -> dict[str, Any]:
    """Return a service from an image with a port."""
    return node(name, image="nginx:1.29", port="80", **config)


def facts(**texts: str) -> CodeFacts:
    """Return the facts of code with these files; `_` before the ending stands for the dot: main_py is main.py."""
    named = {name.replace("__", "/").replace("_", "."): text for name, text in texts.items()}
    return facts_of(named)


def facts_of(texts: Mapping[str, str]) -> CodeFacts:
    return CodeFacts(digest="d" * 64, files=frozenset(texts), texts=dict(texts))


def stack_of(
    raw: Mapping[str, Any],
    *,
    code: Mapping[str, CodeFacts] | None = None,
    env_names: Collection[str] = (),
    options: StackOptions | None = None,
) -> Stack:
    """Generate the stack as the product does, secret values taken out first."""
    parsed = parse_graph(split_secrets(raw).graph)
    return generate(
        graph=parsed,
        stack_name="axion-test",
        project_id="project-1",
        code=code or {},
        env_names=env_names,
        options=options or StackOptions(),
    )


def compose_of(stack: Stack) -> dict[str, Any]:
    """Return the compose file as an independent reader understands it."""
    document = yaml.safe_load(stack.files[COMPOSE_FILE])
    assert isinstance(document, dict)
    return document


def voting() -> dict[str, Any]:
    loaded = json.loads((VOTING / "graph.json").read_text())
    assert isinstance(loaded, dict)
    return loaded
