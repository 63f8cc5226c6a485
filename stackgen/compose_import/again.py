"""A project that was made from Compose files meets newer ones: what people changed since stays as it is.

Three states decide on everything: what the files said the last time (kept in the graph under KEPT), what the graph says
now, and what the files say today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from stackgen.compose_import.becoming.whole import Imported
from stackgen.compose_import.report import Line, Outcome
from stackgen.compose_import.tree import Place
from stackgen.graph.secrets import split_secrets

KEPT = "composeImport"
Json = Mapping[str, Any]
Mark = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """`graph` holds no secrets; `values` are those to store, keyed as in SplitGraph. `lines` tell what stayed."""

    graph: dict[str, Any]
    values: dict[str, str]
    lines: tuple[Line, ...]


@dataclass(slots=True, kw_only=True)
class _Meeting:
    file: str
    lines: list[Line] = field(default_factory=list)

    def stays(self, path: str, text: str, node: str = "") -> None:
        self.lines.append(Line(place=Place(self.file, 0, path), outcome=Outcome.NOT_KEPT, text=text, node=node))


def bring_together(
    imported: Imported, *, current: Json | None, stored: Mapping[str, str], mark: Mark, file: str
) -> Updated:
    """Return the project's next graph. `current` is its newest one without secrets, `stored` its secret values.

    `mark` tells two values of a key apart without showing them: it stands in the graph beside what the files said.
    Raises GraphInvalid as `split_secrets` does.
    """
    split = split_secrets(imported.graph)
    new = cast("dict[str, Any]", split.graph)
    before: Json = current.get(KEPT, {}) if current else {}
    meeting = _Meeting(file=file)
    now: Json = current or {"nodes": [], "edges": []}
    graph = {**{key: value for key, value in now.items() if key != KEPT}, **_others(new, before, now)}
    graph["nodes"] = list(_nodes(meeting, _by_id(before), _by_id(now), _by_id(new)))
    names = {node["id"] for node in graph["nodes"]}
    graph["edges"] = [edge for edge in _edges(meeting, before, now, new) if {edge["source"], edge["target"]} <= names]
    marks: Json = before.get("marks", {})
    values = dict(_values(meeting, split.values, stored, marks, mark))
    graph[KEPT] = {
        "nodes": new["nodes"],
        "edges": new["edges"],
        "network": new.get("network", ""),
        "marks": {key: mark(key, value) for key, value in sorted(split.values.items())},
    }
    return Updated(graph=graph, values=values, lines=tuple(meeting.lines))


def _others(new: Json, before: Json, now: Json) -> dict[str, Any]:
    """Return what belongs to the graph as a whole: the file's word, unless people changed it."""
    was = before.get("network", "")
    return {"network": new["network"]} if "network" in new and now.get("network", "") == was else {}


def _by_id(graph: Json) -> dict[str, Json]:
    return {str(node["id"]): node for node in graph.get("nodes", ())}


def _nodes(
    meeting: _Meeting, before: Mapping[str, Json], now: Mapping[str, Json], new: Mapping[str, Json]
) -> Iterator[Json]:
    for node_id, node in now.items():
        was, says = before.get(node_id), new.get(node_id)
        if says is not None:
            yield _node(meeting, was or {}, node, says)
        elif was is None:
            yield node
        elif _said(was) != _said(node):
            meeting.stays(f"services.{node_id}", "is no more in the file; it stays, as it was changed since", node_id)
            yield node
    for node_id, says in new.items():
        if node_id in now:
            continue
        if node_id in before:
            meeting.stays(f"services.{node_id}", "was taken out of the graph since; it stays out", node_id)
        else:
            yield says


def _said(node: Json) -> tuple[object, object, object]:
    data = node.get("data", {})
    return node.get("type"), data.get("serviceName"), data.get("config", {})


def _node(meeting: _Meeting, was: Json, node: Json, says: Json) -> Json:
    name = str(node["id"])
    data, old, new = node.get("data", {}), was.get("data", {}), says["data"]
    config = _config(meeting, name, old.get("config", {}), data.get("config", {}), new["config"])
    label = _chosen(meeting, name, "serviceName", old, data, new)
    kind = _chosen(meeting, name, "type", was, node, says)
    return {**node, "type": kind, "data": {**data, "serviceName": label, "config": config}}


def _config(meeting: _Meeting, name: str, was: Json, now: Json, says: Json) -> dict[str, Any]:
    config = {}
    for key in dict.fromkeys((*now, *says)):
        value = _chosen(meeting, name, key, was, now, says)
        if value is not None:
            config[key] = value
    return dict(sorted(config.items()))


def _chosen(meeting: _Meeting, name: str, key: str, was: Json, now: Json, says: Json) -> Any:
    """Return the file's value where people left the former one alone, else theirs."""
    old, present, new = was.get(key), now.get(key), says.get(key)
    if present in (old, new):
        return new
    if new != old:
        # The value itself stays out of the sentence: it may be long, or nobody's business.
        meeting.stays(f"services.{name}", f"{key} was changed since, and stays; the file says another value", name)
    return present


def _edges(meeting: _Meeting, before: Json, now: Json, new: Json) -> Iterator[Json]:
    was, says = ({_ends(edge) for edge in graph.get("edges", ())} for graph in (before, new))
    present = {_ends(edge) for edge in now.get("edges", ())}
    for edge in now.get("edges", ()):
        if _ends(edge) in says or _ends(edge) not in was:
            yield edge
    for edge in new.get("edges", ()):
        if _ends(edge) in present:
            continue
        if _ends(edge) in was:
            meeting.stays(
                f"services.{edge['source']}", f"the edge to {edge['target']} was taken out since, and stays out"
            )
        else:
            yield edge


def _ends(edge: Json) -> tuple[str, str]:
    return str(edge["source"]), str(edge["target"])


def _values(
    meeting: _Meeting, given: Mapping[str, str], stored: Mapping[str, str], marks: Json, mark: Mark
) -> Iterator[tuple[str, str]]:
    for key, value in given.items():
        kept = stored.get(key)
        if kept is None:
            yield key, value
        elif kept == value or mark(key, value) == marks.get(key):
            continue
        elif mark(key, kept) == marks.get(key):
            yield key, value
        else:
            name = key.partition(".")[0]
            meeting.stays(f"services.{name}", f"{key} has a value that was not given by the file; it stays", name)


def without_what_is_kept(graph: Json) -> dict[str, Any]:
    """Return the graph as people see it."""
    return {key: value for key, value in graph.items() if key != KEPT}
