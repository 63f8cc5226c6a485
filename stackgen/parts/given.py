"""Values that people give from outside of the graph's texts: with a request, for one node, or sealed in the graph."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from stackgen.graph.secrets import SECRET_PREFIX
from stackgen.nodes import Node
from stackgen.parts.environment import Layer, interpolated, usable
from stackgen.parts.variables import VariableNames


@dataclass(kw_only=True, eq=False)
class GivenVariables:
    """`env_names` are given to every service, `node_env_names` to single nodes by id; `names` are those of services."""

    names: Mapping[str, str]
    env_names: Collection[str]
    node_env_names: Mapping[str, Collection[str]]
    variables: VariableNames = field(default_factory=VariableNames)

    @cached_property
    def request_layer(self) -> Layer:
        """Return the request's envVars, the same for every service."""
        values = {name: interpolated(self.variables.of_request(name)) for name in sorted(self.env_names)}
        return Layer(origin="the request", values=usable(values))

    def request_layer_of(self, node: Node, overridden: Callable[[str], object]) -> Layer:
        """Return the request's envVars for a service: where it listens is its own."""
        layer = self.request_layer
        if node.settings.port is None or "PORT" not in layer.values:
            return layer
        overridden(f"{self.names[node.id]}: PORT: its own port stays, the request's is not taken")
        return Layer(origin=layer.origin, values={name: text for name, text in layer.values.items() if name != "PORT"})

    def own_layer(self, node: Node) -> Layer:
        """Return the variables that are given to this node alone."""
        of_node = partial(self.variables.of_node, node_id=node.id, service=self.names[node.id])
        values = {name: interpolated(of_node(name=name)) for name in sorted(self.node_env_names.get(node.id, ()))}
        return Layer(origin="its own variables", values=values)

    def secret(self, node: Node, name: str) -> str:
        """Return the variable that carries a secret of a node."""
        service = self.names[node.id]
        return self.variables.of_field(node_id=node.id, service=service, field=f"{SECRET_PREFIX}{name}", given=True)

    def named(self, node: Node, name: str) -> str:
        """Return the variable that carries what a node is given under this name; empty for what nobody gave."""
        if name in node.settings.secrets:
            return self.secret(node, name)
        if name in self.node_env_names.get(node.id, ()):
            return self.variables.of_node(node_id=node.id, service=self.names[node.id], name=name)
        return self.variables.of_request(name) if name in self.env_names else ""
