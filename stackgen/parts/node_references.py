"""`${node.NAME.FIELD}` in a variable: the address, the password and so on of another node of the graph.

`${var.NAME}` is a variable that every service is given: kept with the project or its target, or sent with the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from stackgen.nodes import Graph, Node
from stackgen.parts.environment import Callee, address_of, plain

REFERENCE = re.compile(r"\$\{(?:node\.(?P<node>[^{}]{1,600})|var\.(?P<given>[^{}]{1,200}))\}")
# What leads to a node, which takes a network that both are in.
LEADING = frozenset({"host", "url"})
FIELDS = "host, port, url, user, password, passwordUrl, database, env.NAME, secret.NAME"


class UnknownReference(ValueError):
    """A reference that leads nowhere; the text says why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class References:
    """Resolves references for one graph. `callee_of` tells how a node is reached, `secret_of` gives the text that
    stands for a node's secret, `given` those that stand for the variables that every service is given."""

    nodes: Mapping[str, tuple[Node, ...]]
    callee_of: Callable[[Node], Callee]
    secret_of: Callable[[Node, str], str]
    given: Mapping[str, str]

    def resolve(
        self, text: str, *, inside: bool = False, unknown: list[str] | None = None
    ) -> tuple[str, frozenset[str]]:
        """Return the text ready for Compose, and the ids of the nodes that it leads to. Raises UnknownReference.

        With `unknown` what names no node and no variable stays as it is, and this list says so: other programs write
        such words too.
        """
        if "${node." not in text and "${var." not in text:
            return plain(text), frozenset()
        parts: list[str] = []
        led: set[str] = set()
        end = 0
        for match in REFERENCE.finditer(text):
            parts.append(plain(text[end : match.start()]))
            end = match.end()
            if unknown is not None and (why := self._unknown(match)):
                unknown.append(why)
                parts.append(plain(match[0]))
                continue
            if name := match["given"]:
                parts.append(self._given(name))
                continue
            if inside:
                raise UnknownReference(f"{match[0]} leads to a variable that refers to a node itself")
            node, field = self._find(match["node"])
            parts.append(self._value(node, field, match[0]))
            led |= {node.id} if field in LEADING else set()
        return "".join([*parts, plain(text[end:])]), frozenset(led)

    def _unknown(self, match: re.Match[str]) -> str:
        """Return why the reference names nothing that there is; empty when it does."""
        try:
            if match["given"]:
                self._given(match["given"])
            else:
                self._find(match["node"])
        except UnknownReference as error:
            return str(error)
        return ""

    def _given(self, name: str) -> str:
        if name not in self.given:
            raise UnknownReference(f"refers to the variable {name}, which nobody gave: set it for every service")
        return self.given[name]

    def _find(self, inner: str) -> tuple[Node, str]:
        for name, field in _splits(inner):
            found = self.nodes.get(name, ())
            if len(found) > 1:
                raise UnknownReference(f"refers to {name!r}, which is the name of {len(found)} nodes: use an id")
            if found:
                return found[0], field
        raise UnknownReference(f"refers to ${{node.{inner}}}, but there is no such node, or no field is named")

    def _value(self, node: Node, field: str, whole: str) -> str:
        kind, _, name = field.partition(".")
        if kind == "env" and name in node.settings.env:
            return self.resolve(node.settings.env[name], inside=True)[0]
        if kind == "secret" and name in node.settings.secrets:
            return self.secret_of(node, name)
        value = _known(self.callee_of(node)).get(field, "")
        if not value:
            raise UnknownReference(f"refers to {whole}, but {node.label!r} has no such thing; known: {FIELDS}")
        return value


def nodes_by_name(graph: Graph, names: Mapping[str, str]) -> dict[str, tuple[Node, ...]]:
    """Return the nodes by id, by the name that people gave and by the service's name; an id goes first."""
    found: dict[str, tuple[Node, ...]] = {}
    for node in graph.nodes:
        if node.label:
            found[node.label] = (*found.get(node.label, ()), node)
    for node in graph.nodes:
        found.setdefault(names[node.id], (node,))
    return found | {node.id: (node,) for node in graph.nodes}


def _splits(inner: str) -> Iterator[tuple[str, str]]:
    """Yield name and field: names and fields may hold dots, so every place where they part is tried."""
    for match in re.finditer(r"\.(?=env\.|secret\.)", inner):
        yield inner[: match.start()], inner[match.end() :]
    name, _, field = inner.rpartition(".")
    yield name, field


def _known(callee: Callee) -> dict[str, str]:
    connection = callee.connection
    if connection is None or callee.kind is None:
        return address_of(callee)
    return {
        "host": connection.host,
        "port": str(connection.port),
        "user": connection.user,
        "password": connection.password,
        "passwordUrl": connection.password_in_url,
        "database": connection.database,
        "url": callee.kind.url(connection),
    }
