"""A graph under way: nodes, edges and what is said about each line of the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from stackgen.compose_import.becoming.abilities import knows
from stackgen.compose_import.notation.opened import Files
from stackgen.compose_import.notation.project import ComposeProject
from stackgen.compose_import.report import Outcome, Report
from stackgen.compose_import.tree import Place, Tree
from stackgen.graph.raw import MAX_CONFIG_KEYS, MAX_CONFIG_VALUE
from stackgen.nodes import EdgeType, NodeType


@dataclass(kw_only=True, eq=False)
class NodeDraft:
    """One service of the files on its way to a node. `refused` are keys that the graph's own check did not take."""

    name: str
    service: Tree
    report: Report
    type: NodeType = NodeType.SERVICE
    config: dict[str, str] = field(default_factory=dict)
    origins: dict[str, list[Tree]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    code: str = ""
    aliases: list[str] = field(default_factory=list)

    def set(self, key: str, value: str, tree: Tree, said: str = "", *, outcome: Outcome = Outcome.BECAME) -> bool:
        """Set a key of the node's config and say so; say why where that cannot be."""
        why = self._objection(key, value)
        if why:
            self.lost(tree, f"{said or key}: {why}")
            return False
        self.config[key] = value
        self.origins.setdefault(key, []).append(tree)
        self.say(tree, outcome, said or key)
        return True

    def _objection(self, key: str, value: str) -> str:
        if key in self.refused:
            return self.refused[key]
        if not knows(key, self.type):
            return "a node cannot say this"
        if len(value) > MAX_CONFIG_VALUE:
            return f"is longer than the {MAX_CONFIG_VALUE} characters that a node's value may have"
        if len(self.config) >= MAX_CONFIG_KEYS:
            return f"is one more than the {MAX_CONFIG_KEYS} settings that a node may have"
        return "holds a zero byte" if "\0" in value else ""

    def append(self, key: str, items: Iterable[str], tree: Tree, said: str = "") -> bool:
        """Add items to a key that is a list."""
        present = self.config.get(key, "").split("\n") if self.config.get(key) else []
        return self.set(key, "\n".join(dict.fromkeys([*present, *items])), tree, said)

    def say(self, tree: Tree | Place, outcome: Outcome, text: str) -> None:
        place = tree.place if isinstance(tree, Tree) else tree
        self.report.add(place, outcome, text, node=self.name)

    def became(self, tree: Tree, text: str) -> None:
        self.say(tree, Outcome.BECAME, text)

    def better(self, tree: Tree, text: str) -> None:
        self.say(tree, Outcome.BETTER, text)

    def needed(self, tree: Tree, text: str) -> None:
        self.say(tree, Outcome.NEEDED, text)

    def lost(self, tree: Tree, text: str) -> None:
        self.say(tree, Outcome.NOT_KEPT, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A service that becomes a database: `password` is empty where the files do not tell it."""

    kind: str
    user: str
    password: str
    database: str
    # Variables of the service that are told by the node's own settings.
    told: frozenset[str]


@dataclass(kw_only=True, eq=False)
class Draft:
    """The whole graph under way."""

    project: ComposeProject
    files: Files
    # Volumes are referred to under the names that they have on the host, in place of new ones.
    in_place: bool = False
    report: Report = field(default_factory=Report)
    nodes: dict[str, NodeDraft] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    edges: dict[tuple[str, str], EdgeType] = field(default_factory=dict)
    # Those edges that the files ask for by name; the others were read out of variables and commands.
    asked: set[tuple[str, str]] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
    used: set[tuple[str, str]] = field(default_factory=set)
    # Whether services meet that no edge joins; known once all edges are.
    shares_network: bool = False

    @cached_property
    def users_of_volumes(self) -> Counter[str]:
        """Return how many services mount each volume."""
        mounts = {name: node.service.get("volumes") for name, node in self.nodes.items()}
        named = {
            (name, item.at("source"))
            for name, tree in mounts.items()
            for item in (tree.items if tree is not None else ())
            if item.at("type") in {"", "volume"}
        }
        return Counter(source for _, source in named)

    def edge(self, source: str, target: str) -> bool:
        """Join two nodes; False where the graph has no such edge, as databases depend on nothing."""
        if source == target or target not in self.nodes or source in self.stores:
            return False
        self.edges.setdefault((source, target), self._edge_type(target))
        return True

    def _edge_type(self, target: str) -> EdgeType:
        kind = self.stores[target].kind if target in self.stores else ""
        return {"": EdgeType.HTTP, "rabbitmq": EdgeType.RABBITMQ}.get(kind, EdgeType.DATABASE)
