"""From a project of Compose to a graph, with a line for everything that its files say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from stackgen.compose_import.becoming import environs, reaching
from stackgen.compose_import.becoming.attaching import content_of
from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.becoming.mounting import present_name, refuse_other_place, refuse_path_around
from stackgen.compose_import.becoming.services import take_service
from stackgen.compose_import.becoming.stores import NotAStore, kind_of, store_of
from stackgen.compose_import.becoming.values import Values, values_of
from stackgen.compose_import.notation.opened import Files
from stackgen.compose_import.notation.project import SECTIONS, ComposeProject
from stackgen.compose_import.report import Covered, Line, Outcome
from stackgen.compose_import.tree import Tree, leaves_of
from stackgen.errors import Problem
from stackgen.graph.reader import read_graph
from stackgen.nodes import NodeType
from stackgen.parts.names import RESERVED

MAX_ATTEMPTS = 10
BLUEPRINT = "compose-import"
_NODE_TYPES = {
    "rabbitmq": NodeType.QUEUE, "redis": NodeType.CACHE, "valkey": NodeType.CACHE, "memcached": NodeType.CACHE,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """`graph` still holds its secrets. `code` is node id to the folder that its code lies in."""

    name: str
    graph: dict[str, object]
    code: Mapping[str, str]
    lines: tuple[Line, ...]

    def named(self, outcome: Outcome) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.outcome is outcome)


@dataclass(slots=True)
class _Refusals:
    """What the graph's own checks did not take at an earlier attempt."""

    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    stores: dict[str, str] = field(default_factory=dict)


def become_graph(project: ComposeProject, *, files: Files, in_place: bool = False) -> Imported:
    """Return the graph of the project: one that its own checks take. Reads files through `files` alone."""
    refusals = _Refusals()
    for attempt in count(1):
        draft = _draft(Draft(project=project, files=files, in_place=in_place), refusals)
        graph = _graph(draft)
        problems = [] if attempt > MAX_ATTEMPTS else read_graph(graph)[1]
        if not _learn(problems, draft, refusals):
            break
    lines = _all_lines(draft)
    return Imported(
        name=project.name,
        graph=graph,
        code={name: node.code for name, node in draft.nodes.items() if node.code},
        lines=lines,
    )


def _learn(problems: list[Problem], draft: Draft, refusals: _Refusals) -> bool:
    """Remember what to leave out the next time; False when there is nothing to learn."""
    learned = False
    for problem in problems:
        node = draft.nodes.get(problem.node_id)
        key = problem.field.removeprefix("config.")
        if node is None:
            continue
        if node.name in draft.stores and key not in _LOSABLE:
            learned |= refusals.stores.setdefault(node.name, f"{key}: {problem.message}") != ""
        elif key in node.config:
            learned |= refusals.keys.setdefault(node.name, {}).setdefault(key, problem.message) != ""
    return learned


_LOSABLE = frozenset({
    "hostPort", "ports", "cpu", "memory", "cpuReservation", "memoryReservation", "processes", "stopGraceSeconds",
    "restart", "placement", "runAs", "hostname", "shmSize", "platform",
})  # fmt: skip


def _draft(draft: Draft, refusals: _Refusals) -> Draft:
    services = draft.project.section("services")
    draft.nodes = {
        name: NodeDraft(name=name, service=tree, report=draft.report, refused=refusals.keys.get(name, {}))
        for name, tree in services.items()
    }
    values = _values(draft)
    _find_stores(draft, values, refusals)
    for name, node in draft.nodes.items():
        reaching.join_by_dependencies(draft, node)
        reaching.join_by_command(draft, node)
        environs.join_by_variables(draft, node, values[name])
    reaching.keep_order(draft)
    draft.shares_network = reaching.shares_network(draft)
    for name, node in draft.nodes.items():
        take_service(draft, node, values[name])
        _own_name(node)
    return draft


def _values(draft: Draft) -> dict[str, Values]:
    secrets = {name: content_of(draft, "secrets", name) for name in draft.project.section("secrets")}
    found = {}
    for name, node in draft.nodes.items():
        found[name], said = values_of(
            node.service, files=draft.files, variables=draft.project.variables, secrets=secrets
        )
        for item, sentence in said:
            if sentence.endswith(tuple("0123456789")) or " variables of " in sentence:
                node.became(item, sentence)
            elif sentence:
                node.needed(item, f"{sentence} is not among the files: import again with it, or give its variables")
            else:
                node.became(item, "not there, and not required")
    return found


def _find_stores(draft: Draft, values: Mapping[str, Values], refusals: _Refusals) -> None:
    for name, node in draft.nodes.items():
        if not kind_of(node.service):
            continue
        others = "\n".join(
            tree.text for other, theirs in values.items() if other != name for tree in theirs.entries.values()
        )
        try:
            if name in refusals.stores:
                raise NotAStore(refusals.stores[name])
            store = store_of(node.service, values[name], others)
            refuse_path_around(node.service, store.kind)
            if draft.in_place:
                refuse_other_place(node.service, store.kind)
        except NotAStore as reason:
            node.became(node.service, f"stays a service with its image: {reason}")
            continue
        draft.stores[name] = store
        node.type = _NODE_TYPES.get(store.kind, NodeType.DATABASE)


def _own_name(node: NodeDraft) -> None:
    """Keep the name under which programs know the service, where a stack names it in another way."""
    plain = re.sub(r"[^a-z0-9]+", "-", node.name.lower()).strip("-")
    if plain != node.name or plain in RESERVED or plain[:1].isdigit() or plain.startswith("x-"):
        node.append("aliases", [node.name], node.service, f"aliases: {node.name}, the name that programs know")


def _graph(draft: Draft) -> dict[str, object]:
    nodes = [
        {
            "id": node.name,
            "type": node.type.value,
            "data": {"serviceName": node.name, "blueprintId": BLUEPRINT, "config": dict(sorted(node.config.items()))},
        }
        for node in draft.nodes.values()
    ]
    edges = [
        {"id": f"{source}->{target}", "source": source, "target": target, "type": kind.value}
        for (source, target), kind in sorted(draft.edges.items())
    ]
    graph: dict[str, object] = {"nodes": nodes, "edges": edges}
    if draft.shares_network:
        graph["network"] = "shared"
    return graph


# A list of `NAME=value`, of which Compose takes the last one of a name.
_NAMED_ITEM = re.compile(r"\.(?:environment|labels|args|sysctls|annotations)\[\d+\]$")


def _all_lines(draft: Draft) -> tuple[Line, ...]:
    _say_top(draft)
    _say_merging(draft)
    _say_unset(draft)
    covered = Covered()
    for line in draft.report.lines:
        # A line about a service as a whole says nothing about its keys.
        if not re.fullmatch(r"services(?:\.[^.\[]+)?", line.place.path):
            covered.add(line.place)
    for place in draft.project.leaves.places:
        if covered.holds(place):
            continue
        if _NAMED_ITEM.search(place.path):
            draft.report.add(place, Outcome.BECAME, "the same name stands further down, which wins")
        else:
            draft.report.add(place, Outcome.NOT_KEPT, "nothing here reads it")
    files = dict.fromkeys(place.file for place in draft.project.leaves.places)
    return draft.report.ordered(files)


def _say_top(draft: Draft) -> None:
    report, document = draft.report, draft.project.document
    for key, tree in document.mapping.items():
        if key == "name":
            report.add(tree.place, Outcome.BECAME, f"the project's name: {tree.text}")
        elif key == "version":
            report.add(tree.place, Outcome.BECAME, "means nothing to Compose any more")
        elif key.startswith("x-"):
            report.add(tree.place, Outcome.BECAME, "an extension field: read where the file refers to it")
        elif key not in SECTIONS:
            report.add(tree.place, Outcome.NOT_KEPT, f"{key} is no part of a Compose file that is known here")
    for section in ("networks", "volumes", "configs", "secrets"):
        for name, tree in draft.project.section(section).items():
            _say_resource(draft, section, name, tree)
    for tree in draft.project.left_out.values():
        names = ", ".join(item.text for item in tree.mapping["profiles"].items)
        for leaf in leaves_of(tree):
            report.add(leaf.place, Outcome.NOT_KEPT, f"left out: its profiles are not chosen ({names})")


_SAID = {
    "networks": "what nodes reach is said by edges",
    "volumes": "a volume of the nodes that use it",
    "configs": "a file of the nodes that use it",
    "secrets": "a sealed value of the nodes that use it",
}
_LOST = {
    "networks": {
        "driver": "bridge, or overlay on a cluster", "ipam": "addresses are the engine's",
        "name": "named for the stack",
        "internal": "nodes may reach the world", "external": "networks of others are not joined",
        "attachable": "only the stack's own containers join",
    },
    "volumes": {
        "name": "named for the stack and the node", "driver": "the engine's own driver", "external": "data of a volume "
        "that exists is copied into the node's before the first deployment",
    },
    "configs": {"external": "its text is asked for", "name": "named for the stack"},
    "secrets": {"external": "its value is asked for", "name": "named for the stack"},
}  # fmt: skip
_DEFAULTS = {("networks", "driver", "bridge"), ("volumes", "driver", "local"), ("networks", "external", "false")}


def _say_resource(draft: Draft, section: str, name: str, tree: Tree) -> None:
    report = draft.report
    if not tree.mapping:
        used = (section, name) in draft.used or (section, name) == ("networks", "default")
        outcome = Outcome.BECAME if used else Outcome.NOT_KEPT
        report.add(tree.place, outcome, _SAID[section] if used else "no service uses it")
        return
    for key, member in tree.mapping.items():
        if draft.in_place and section == "volumes" and key in {"name", "external"}:
            report.add(member.place, Outcome.BECAME, f"stays where it is, as {present_name(draft, name)}")
        elif key in {"file", "content", "environment"}:
            report.add(member.place, Outcome.BECAME, _SAID[section])
        elif (section, key, member.text) in _DEFAULTS:
            report.add(member.place, Outcome.BECAME, "as without saying it")
        else:
            why = _LOST[section].get(key, "options of the engine's drivers cannot be said in a graph")
            report.add(member.place, Outcome.NOT_KEPT, f"{key}: {why}")


def _say_merging(draft: Draft) -> None:
    project = draft.project
    for place, by in project.replaced:
        draft.report.add(place, Outcome.BECAME, f"replaced by {by}")
    for place in project.removed:
        draft.report.add(place, Outcome.BECAME, "taken away with !reset")
    for place, sentence in project.resolved:
        if place.path:
            draft.report.add(place, Outcome.BECAME, sentence)


def _say_unset(draft: Draft) -> None:
    """Say which variables nobody gave, where it is not a variable of a service, about which more is said."""
    for name, node in draft.nodes.items():
        for key, tree in node.service.mapping.items():
            for leaf in leaves_of(tree) if key != "environment" else ():
                if leaf.unset:
                    what = ", ".join(leaf.unset)
                    draft.report.add(leaf.place, Outcome.NEEDED, f"{what} has no value in the files", node=name)
