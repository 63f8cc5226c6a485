"""From a graph and folders of code to a folder of files: all of them, or every problem and none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from stackgen.code.bundle import BundleInvalid, CodeFacts, read_directory
from stackgen.errors import GraphInvalid, Problem
from stackgen.graph.reader import Graph, read_graph
from stackgen.graph.secrets import split_secrets
from stackgen.output.plan_text import plan_text
from stackgen.parts.names import service_names
from stackgen.results import Stack, StackOptions
from stackgen.stack import generate

MAX_FILE_NAME_BYTES = 255


def generate_from(
    *,
    raw: Mapping[str, object],
    code: Path | None,
    stack_name: str,
    project_id: str,
    env_names: Collection[str],
    options: StackOptions,
) -> Stack:
    """Return the stack of a graph that still holds its secrets. `code` has a folder for each service, by its name.

    Raises GraphInvalid with the problems of the graph, of the code, of the two together and of the name.
    """
    graph, problems = read_graph(raw)
    try:
        split_secrets(raw)
    except GraphInvalid as error:
        problems.extend(error.problems)
    facts = _read_code(graph, code, problems) if code else {}
    try:
        stack = generate(
            graph=_without(graph, {problem.node_id for problem in problems}),
            stack_name=stack_name,
            project_id=project_id,
            code=facts,
            env_names=env_names,
            options=options,
        )
    except GraphInvalid as error:
        problems.extend(error.problems)
    except ValueError as error:
        problems.append(Problem(field="name", message=str(error)))
    if problems:
        raise GraphInvalid(problems)
    return stack


def _without(graph: Graph, node_ids: Collection[str]) -> Graph:
    """Return the graph without these nodes, so that the problems of the others are found, too."""
    if not node_ids:
        return graph
    sound = tuple(node for node in graph.nodes if node.id not in node_ids)
    ids = {node.id for node in sound}
    return Graph(nodes=sound, edges=tuple(edge for edge in graph.edges if {edge.source, edge.target} <= ids))


def _read_code(graph: Graph, folder: Path, problems: list[Problem]) -> Mapping[str, CodeFacts]:
    """Return the code of each service that has a folder, named as in the graph or as in the stack."""
    facts = {}
    names = service_names(graph)
    for node in graph.nodes:
        places = [folder / name for name in (node.label, names[node.id]) if _is_file_name(name)]
        place = next((place for place in places if place.is_dir()), None)
        if place is None or node.type.is_database or node.type.is_gateway:
            continue
        try:
            facts[node.id] = read_directory(place)
        except BundleInvalid as error:
            problems.append(Problem(node_id=node.id, node_name=node.label, field="code", message=str(error)))
    return facts


def _is_file_name(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and len(name.encode()) <= MAX_FILE_NAME_BYTES


def write(stack: Stack, folder: Path) -> None:
    """Write all files; everything is on the disk before the first one takes its place. Raises OSError."""
    texts = {**stack.files, "plan.txt": plan_text(stack)}
    folder.mkdir(parents=True, exist_ok=True)
    if in_the_way := [name for name in texts if (folder / name).is_dir()]:
        raise IsADirectoryError(f"{folder / in_the_way[0]} is a folder")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".stackgen-") as draft:
        for name, text in texts.items():
            (Path(draft) / name).write_text(text, encoding="utf-8", newline="\n")
        for name in texts:
            os.replace(Path(draft) / name, folder / name)
