"""`python -m stackgen GRAPH.json [--code DIR] [--engine compose|swarm] --out DIR`: a stack's files from a drawing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stackgen.code import BundleInvalid, CodeFacts, read_directory
from stackgen.errors import GraphInvalid, Problem
from stackgen.graph import Graph, parse_graph
from stackgen.listing import plan_text
from stackgen.names import service_names
from stackgen.results import StackOptions
from stackgen.secrets import split_secrets
from stackgen.stack import Stack, generate

INVALID = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 with all files written, or 2 with every problem printed and none written."""
    asked = _arguments().parse_args(arguments)
    try:
        stack = _generate(asked)
        _write(stack, asked.out)
    except GraphInvalid as error:
        _say(*map(str, error.problems))
        return INVALID
    except (OSError, ValueError) as error:
        _say(str(error))
        return INVALID
    _say(*(f"warning: {warning}" for warning in stack.warnings))
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stackgen", description="Turns a drawn graph into a Docker stack.")
    parser.add_argument("graph", type=Path, help="the graph as JSON")
    parser.add_argument("--code", type=Path, help="folder with one folder of code for each service, by its name")
    parser.add_argument("--engine", choices=("compose", "swarm"), default="compose")
    parser.add_argument("--name", default="axion-stack", help="name of the stack")
    parser.add_argument("--project", default="local", help="id of the project, for the labels")
    parser.add_argument("--env", action="append", default=[], metavar="NAME", help="a variable given with the request")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    return parser


def _generate(asked: argparse.Namespace) -> Stack:
    raw = json.loads(asked.graph.read_text(encoding="utf-8"))
    if not isinstance(raw, dict):
        raise ValueError(f"{asked.graph.name} must hold one JSON object")
    graph = parse_graph(raw)
    split_secrets(raw)
    return generate(
        graph=graph,
        stack_name=asked.name,
        project_id=asked.project,
        code=_code(graph, asked.code) if asked.code else {},
        env_names=asked.env,
        options=StackOptions(engine=asked.engine),
    )


def _code(graph: Graph, folder: Path) -> Mapping[str, CodeFacts]:
    """The code of each service that has a folder, named as in the drawing or as in the stack."""
    found = {}
    problems = []
    names = service_names(graph)
    for node in graph.nodes:
        places = [folder / name for name in (node.label, names[node.id]) if name and "/" not in name and name != ".."]
        place = next((place for place in places if place.is_dir()), None)
        if place is None or node.type.is_store or node.type.is_gateway:
            continue
        try:
            found[node.id] = read_directory(place)
        except BundleInvalid as error:
            problems.append(Problem(node_id=node.id, node_name=node.label, field="code", message=str(error)))
    if problems:
        raise GraphInvalid(problems)
    return found


def _write(stack: Stack, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**stack.files, "plan.txt": plan_text(stack)}.items():
        (folder / name).write_text(text, encoding="utf-8")


def _say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
