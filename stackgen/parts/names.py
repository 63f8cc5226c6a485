"""Names that are safe as host name, in YAML, in a shell and in an image's name, and the same every time."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

from stackgen.nodes import Graph, Node, NodeType

MAX_NAME_LENGTH = 40
# As hosts are called, with the underscore that many write.
HOST_NAME = re.compile(r"[a-z_](?:[a-z0-9_.-]{0,61}[a-z0-9_])?")
UNSAFE = re.compile(r"[^a-z0-9]+")
DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)+")
UNSAFE_IN_VARIABLE = re.compile(r"[^A-Za-z0-9_]+")
# Words that YAML, Docker or name resolution take for something else than a name.
RESERVED = frozenset({
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf",
    "none", "localhost", "host", "default", "bridge",
})  # fmt: skip
FALLBACKS = {
    NodeType.SERVICE: "service", NodeType.DATABASE: "database", NodeType.GATEWAY: "gateway",
    NodeType.QUEUE: "queue", NodeType.CACHE: "cache", NodeType.INGRESS: "gateway",
}  # fmt: skip


def service_names(graph: Graph, *, max_length: int = MAX_NAME_LENGTH) -> dict[str, str]:
    """Return node id to service name, in the graph's order. Of nodes with one name the lowest id keeps it."""
    wanted = {node.id: _wanted(node, max_length) for node in graph.nodes}
    groups: dict[str, list[str]] = defaultdict(list)
    for node_id, name in wanted.items():
        groups[name].append(node_id)
    names: dict[str, str] = {}
    taken = set(groups)
    for name in sorted(groups):
        first, *others = sorted(groups[name])
        names[first] = name
        for node_id in others:
            names[node_id] = _free(name, node_id, taken, max_length)
    return {node.id: names[node.id] for node in graph.nodes}


def written_names(graph: Graph, names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return by node id the name as people wrote it, where hosts may have it and nobody else answers to it."""
    taken = {*names.values(), *(alias for node in graph.nodes for alias in node.settings.aliases)}
    written: dict[str, list[str]] = defaultdict(list)
    for node in graph.nodes:
        name = node.label.strip().lower()
        if HOST_NAME.fullmatch(name) and name not in taken and not node.settings.external:
            written[name].append(node.id)
    return {ids[0]: (name,) for name, ids in written.items() if len(ids) == 1 and name not in RESERVED}


def _wanted(node: Node, max_length: int) -> str:
    plain = unicodedata.normalize("NFKD", node.label).encode("ascii", "ignore").decode().lower()
    name = UNSAFE.sub("-", plain).strip("-")
    fallback = FALLBACKS[node.type]
    if not name:
        name = f"{fallback}-{short_hash(node.id, 6)}"
    # Compose takes what begins with "x-" for an extension and skips it; names that are joined to others begin so too.
    if name[0].isdigit() or name in RESERVED or f"{name}-".startswith("x-"):
        name = f"{fallback}-{name}"
    return name if len(name) <= max_length else _cut(name, short_hash(name, 4), max_length)


def _free(name: str, node_id: str, taken: set[str], max_length: int) -> str:
    """Return a name nobody has, with a piece of the node's id: it does not depend on how many others there are."""
    for length in range(4, 65):
        candidate = _cut(name, short_hash(node_id, length), max_length)
        if candidate not in taken:
            taken.add(candidate)
            return candidate
    raise AssertionError("two nodes with one id")


def _cut(name: str, ending: str, max_length: int) -> str:
    return f"{name[: max(1, max_length - len(ending) - 1)].rstrip('-')}-{ending}"


def short_hash(text: str, length: int) -> str:
    """Return the first digits of a SHA-256, for names that must not collide by chance only."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def variable_name(text: str) -> str:
    """Return a name that every shell takes: letters, digits and underscores, not a digit first. Case stays."""
    name = UNSAFE_IN_VARIABLE.sub("_", text)
    return f"_{name}" if not name or name[0].isdigit() else name


def elsewhere(graph: Graph) -> frozenset[str]:
    """Return the ids of the nodes that run nothing here."""
    return frozenset(node.id for node in graph.nodes if node.settings.external)


def program_variable_name(text: str) -> str:
    """Return a name as a program in a container reads it: one with dots stays, as engines pass them on."""
    return text if DOTTED.fullmatch(text) else variable_name(text)


def distinct(names: Iterable[str]) -> list[str]:
    """Return each name once, in the order of first sight."""
    return list(dict.fromkeys(names))
