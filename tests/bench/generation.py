"""Generating a stack against PyYAML's C dumper writing the very same document, in interleaved pairs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from stackgen.code.bundle import CodeFacts
from stackgen.graph.reader import parse_graph
from stackgen.results import COMPOSE_FILE
from stackgen.stack import generate
from tests.bench.figures import Figure, median_ratio

SIZES = (10, 100, 1_000)
LARGE = 10_000
PAIRS = 5
MIB_IN_KIB = 1024
MOST_SECONDS = 300.0


def graph_of_size(count: int) -> tuple[dict[str, Any], dict[str, CodeFacts]]:
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
    edge_rows = [{"id": f"e{n}", "source": f"n{a}", "target": f"n{b}", "type": 2} for n, (a, b) in enumerate(edges)]
    return {"nodes": nodes, "edges": edge_rows}, code


def generated(count: int) -> tuple[float, str]:
    """Processor seconds from the parsed JSON to all files, and the compose file."""
    raw, code = graph_of_size(count)
    began = time.process_time()
    stack = generate(graph=parse_graph(raw), stack_name="axion-large", project_id="p", code=code, env_names=["A"])
    return time.process_time() - began, stack.files[COMPOSE_FILE]


def dumped(document: Any) -> float:
    """Processor seconds that PyYAML's C dumper needs for the same document."""
    began = time.process_time()
    yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False)
    return time.process_time() - began


def against_dumper(count: int) -> tuple[float, float]:
    """Median ratio to the dumper, and the median of our own seconds."""
    generated(count)
    document = yaml.load(generated(count)[1], Loader=yaml.CSafeLoader)
    pairs = [(generated(count)[0], dumped(document)) for _ in range(PAIRS)]
    return median_ratio(pairs), statistics.median(ours for ours, _ in pairs)


def peak_memory(count: int) -> float:
    """Most resident MiB of a process of its own that generates once."""
    program = f"from tests.bench import generation as g; g.generated({count}); print(g.resident_peak())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=MOST_SECONDS
    )
    return float(done.stdout)


def resident_peak() -> float:
    """MiB of this program since it began. Linux's getrusage would count what the parent used before it, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / MIB_IN_KIB


def measure() -> list[Figure]:
    """Rows per size, the growth from 1,000 to 10,000 nodes, and the memory of 10,000."""
    figures, seconds = [], 0.0
    for count in SIZES:
        ratio, seconds = against_dumper(count)
        figures.append(Figure(name=f"generating {count:,} nodes / C dumper", value=ratio, unit="ratio", goal=2.0))
    growth = statistics.median(generated(LARGE)[0] for _ in range(3)) / seconds
    return [
        *figures,
        Figure(name=f"generating {LARGE:,} nodes / 1,000 nodes", value=growth, unit="ratio", goal=12),
        Figure(name=f"generating {LARGE:,} nodes, peak memory", value=peak_memory(LARGE), unit="MiB", goal=250),
    ]
