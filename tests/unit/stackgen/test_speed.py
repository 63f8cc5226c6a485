"""Generation grows with the drawing and no faster, and costs less than a C library takes to write the same text."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from stackgen.code import CodeFacts
from stackgen.graph import parse_graph
from stackgen.results import COMPOSE_FILE
from stackgen.stack import generate


def large_drawing(count: int) -> tuple[dict[str, Any], dict[str, CodeFacts]]:
    """Groups of ten: a database, a gateway and eight services that call the database and some of the next group."""
    nodes, edges, code = [], [], {}
    for index in range(count):
        kind = index % 10
        config = {"databaseType": "postgresql"} if kind == 0 else {"port": str(index % 60_000 + 1), "healthPath": "/up"}
        data = {"serviceName": f"part {index}", "config": config}
        nodes.append({"id": f"n{index}", "type": {0: 2, 1: 3}.get(kind, 1), "data": data})
        if kind > 1:
            code[f"n{index}"] = CodeFacts(digest=f"{index:064x}", files=frozenset({"main.py"}), texts={})
            edges += [(index, index - kind), (index - kind + 1, index)] + ([(index, index - 10)] if index > 20 else [])
    drawn = [{"id": f"e{n}", "source": f"n{a}", "target": f"n{b}", "type": 2} for n, (a, b) in enumerate(edges)]
    return {"nodes": nodes, "edges": drawn}, code


def seconds(count: int) -> tuple[float, str]:
    """Processor time from JSON to files, and the compose file."""
    raw, code = large_drawing(count)
    start = time.process_time()
    stack = generate(graph=parse_graph(raw), stack_name="axion-large", project_id="p", code=code, env_names=["A"])
    return time.process_time() - start, stack.files[COMPOSE_FILE]


@pytest.mark.slow
def test_generation_is_linear_and_cheaper_than_twice_a_c_writer() -> None:
    small, text = min(seconds(300), seconds(300))
    large, _ = seconds(1800)
    document = yaml.load(text, Loader=yaml.CSafeLoader)
    start = time.process_time()
    yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False)
    writing = time.process_time() - start
    # Six times the nodes; half as much again is allowed for a busy machine.
    assert large <= 9 * small
    assert small <= 2 * writing
