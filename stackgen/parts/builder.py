"""Nodes become parts: databases and gateways from what we know about them, services from their code or image."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from stackgen.code.bundle import CodeFacts
from stackgen.databases.kind import Connection, DatabaseKind
from stackgen.databases.known import KINDS
from stackgen.databases.places import place_of
from stackgen.errors import Problem
from stackgen.graph.checks import published_ports
from stackgen.graph.secrets import PASSWORD, SECRET_PREFIX
from stackgen.nodes import Graph, Node, NodeType
from stackgen.parts import gateway, health, traefik
from stackgen.parts.environment import Callee, Layer, from_config, from_edges, interpolated, merged, plain, usable
from stackgen.parts.names import distinct, variable_name
from stackgen.parts.render import render
from stackgen.parts.types import Part
from stackgen.parts.variables import VariableNames
from stackgen.results import StackOptions
from stackgen.runtimes.known import find_recipe
from stackgen.runtimes.recipe import CannotBuild, Recipe, exec_form

IMAGE_HASH_DIGITS = 16


@dataclass(kw_only=True, eq=False)
class PartBuilder:
    """Build the parts of one graph; ask for `build_all` once.

    What goes in stays as it is. `variables`, `problems`, `warnings` and `overrides` fill up on the way.
    """

    graph: Graph
    names: Mapping[str, str]
    code: Mapping[str, CodeFacts]
    env_names: Collection[str]
    node_env_names: Mapping[str, Collection[str]]
    options: StackOptions
    stack_name: str
    variables: VariableNames = field(default_factory=VariableNames)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {node.id: node for node in self.graph.nodes}

    @cached_property
    def callees(self) -> dict[str, list[str]]:
        """Return node id to the ids it calls, each once, in the order of the graph."""
        callees: dict[str, list[str]] = defaultdict(list)
        for edge in self.graph.edges:
            callees[edge.source].append(edge.target)
        return {node_id: distinct(targets) for node_id, targets in callees.items()}

    @cached_property
    def request_layer(self) -> Layer:
        """Return the request's envVars, the same for every service."""
        values = {name: interpolated(self.variables.of_request(name)) for name in sorted(self.env_names)}
        return Layer(origin="the request", values=usable(values))

    def own_layer(self, node: Node) -> Layer:
        """Return the variables that are given to this node alone."""
        of_node = partial(self.variables.of_node, node_id=node.id, service=self.names[node.id])
        values = {name: interpolated(of_node(name=name)) for name in sorted(self.node_env_names.get(node.id, ()))}
        return Layer(origin="its own variables", values=values)

    def build_all(self) -> dict[str, Part]:
        """Return node id to part, in the graph's order. A part that cannot be built is missing; `problems` says why."""
        parts = {node.id: self._part(node) for node in self.graph.nodes}
        return {node_id: part for node_id, part in parts.items() if part is not None}

    def _part(self, node: Node) -> Part | None:
        if node.type.is_gateway:
            return self._gateway(node)
        if node.type.is_database:
            return self._database(node)
        return self._service(node)

    def _database(self, node: Node) -> Part | None:
        kind, connection = KINDS[node.settings.kind], self.connection(node)
        image = node.settings.image or self.options.images.get(kind.name, kind.image)
        try:
            place = place_of(kind, image=image, version=node.settings.database_version)
        except ValueError as error:  # of a default image that the installation chose; those of graphs are read before
            self._note(node, "config.databaseType", str(error))
            return None
        own = Layer(origin="its kind", values={**kind.environment(connection), **place.environment})
        for name in sorted(kind.place_variables.intersection(self.node_env_names.get(node.id, ()))):
            self._note(node, f"variable {name}", "says where data lies, which nobody can check: remove it")
        self.warnings.extend(_unused_settings(node, kind))
        if kind.image_warning and image == kind.image:
            self.warnings.append(f"{node.label!r}: {image} {kind.image_warning}")
        return Part(
            node=node,
            name=self.names[node.id],
            image=image,
            environment=self._given_to(node, own),
            command=kind.command(connection),
            health=kind.health(connection),
            health_start_seconds=kind.health_start_seconds,
            health_interval_seconds=kind.health_interval_seconds,
            health_timeout_seconds=kind.health_timeout_seconds,
            volumes=place.volumes,
            ports=published_ports(node),
            fixed_hostname=kind.fixed_hostname,
            stop_grace_seconds=node.settings.stop_grace_seconds or kind.stop_grace_seconds,
        )

    def connection(self, node: Node) -> Connection:
        """Return how the callers of a database reach it."""
        kind, settings = KINDS[node.settings.kind], node.settings
        password = in_url = ""
        if kind.has_password:
            name = self.variables.of_field(
                node_id=node.id, service=self.names[node.id], field=PASSWORD, given=settings.password_given
            )
            password, in_url = interpolated(name), interpolated(self.variables.in_url(name))
        return Connection(
            host=self.names[node.id],
            port=kind.port,
            user=kind.default_user and (settings.user or kind.default_user),
            database=kind.default_database and (settings.database or kind.default_database),
            password=password,
            password_in_url=in_url,
        )

    def _gateway(self, node: Node) -> Part:
        upstreams = []
        for target in (self.nodes[target_id] for target_id in self.callees.get(node.id, ())):
            if target.type is NodeType.SERVICE and target.settings.port is not None:
                upstreams.append(self._upstream(target, target.settings.port))
            else:
                self.warnings.append(f"{node.label!r} is joined with {target.label!r}, but leads no requests there")
        self.warnings.extend(gateway.unused_settings(node))
        if node.settings.gateway == "traefik":
            return self._traefik(node, upstreams)
        image = node.settings.image or self.options.images.get("caddy", gateway.IMAGE)
        config = gateway.configure(node, upstreams, image=image)
        self.warnings.extend(config.warnings)
        name = self.names[node.id]
        return Part(
            node=node,
            name=name,
            image=image,
            environment=self._given_to(node),
            health=config.health,
            files=(gateway.mounted_file(name, config),),
            volumes=gateway.volumes(node),
            ports=published_ports(node),
            stop_grace_seconds=node.settings.stop_grace_seconds or 10,
        )

    def _traefik(self, node: Node, upstreams: list[gateway.Upstream]) -> Part:
        routes, warnings = gateway.routes_of(node, upstreams)
        name = self.names[node.id]
        self.warnings.extend([*warnings, f"{node.label!r} {traefik.WARNING}"])
        return Part(
            node=node,
            name=name,
            image=node.settings.image or self.options.images.get("traefik", traefik.IMAGE),
            environment=self._given_to(node),
            command=traefik.command(node),
            health=traefik.health_test(node),
            files=(traefik.mounted_file(node, routes, name=name),),
            volumes=gateway.volumes(node),
            ports=published_ports(node),
            stop_grace_seconds=node.settings.stop_grace_seconds or 10,
        )

    def _given_to(self, node: Node, *layers: Layer) -> dict[str, str]:
        environment, overrides = merged([*layers, self._config_layer(node), self.own_layer(node)])
        self._note_overrides(node, overrides)
        return environment

    def _upstream(self, target: Node, port: int) -> gateway.Upstream:
        settings = target.settings
        return gateway.Upstream(
            name=self.names[target.id],
            label=target.label,
            port=port,
            domain=settings.domain,
            path=settings.path,
            strip_prefix=settings.strip_prefix,
        )

    def _service(self, node: Node) -> Part | None:
        environment = self._environment(node)
        facts = self.code.get(node.id)
        if node.settings.image:
            return self._from_image(node, environment)
        if facts is None:
            self._note(node, "code", "has neither code nor config.image")
            return None
        try:
            recipe = find_recipe(node.settings, facts, self.options.images)
        except CannotBuild as error:
            self._note(node, error.field, error.message)
            return None
        return self._from_code(node, environment, facts, recipe)

    def _from_image(self, node: Node, environment: Mapping[str, str]) -> Part:
        return Part(
            node=node,
            name=self.names[node.id],
            image=node.settings.image,
            environment=environment,
            command=tuple(plain(word) for word in exec_form(node.settings.command)),
            health=health.of_service(node.settings, "shell"),
            ports=published_ports(node),
            stop_grace_seconds=node.settings.stop_grace_seconds or 10,
        )

    def _from_code(self, node: Node, environment: Mapping[str, str], facts: CodeFacts, recipe: Recipe) -> Part:
        name = self.names[node.id]
        dockerfile = render(recipe.template, {**recipe.values, "port": node.settings.port}) if recipe.template else ""
        own_command = exec_form(node.settings.command) if not dockerfile else ()
        return Part(
            node=node,
            name=name,
            image=f"{self.options.image_prefix}{self.stack_name}-{name}:{image_tag(facts.digest, dockerfile)}",
            bundle_digest=facts.digest,
            dockerfile=dockerfile,
            dockerignore="" if not dockerfile or ".dockerignore" in facts.files else render("dockerignore.j2", {}),
            environment=environment,
            command=tuple(plain(word) for word in own_command),
            health=health.of_service(node.settings, recipe.probe),
            ports=published_ports(node),
            stop_grace_seconds=node.settings.stop_grace_seconds or 10,
        )

    def _environment(self, node: Node) -> dict[str, str]:
        callees = [self._callee(self.nodes[target]) for target in self.callees.get(node.id, ())]
        derived, warnings = from_edges(node, callees)
        values, overrides = merged([derived, self._config_layer(node), self.request_layer, self.own_layer(node)])
        self.warnings.extend(warnings)
        self._note_overrides(node, overrides)
        return values

    def _callee(self, target: Node) -> Callee:
        label = target.settings.connection_name or self.names[target.id]
        name = self.names[target.id]
        if not target.type.is_database:
            port = published_ports(target)[0][1] if target.type.is_gateway else target.settings.port
            return Callee(name=name, label=label, port=port)
        kind: DatabaseKind = KINDS[target.settings.kind]
        return Callee(name=name, label=label, kind=kind, connection=self.connection(target))

    def _config_layer(self, node: Node) -> Layer:
        """Return `env.NAME` as written and `secret.NAME` by its variable."""
        settings = node.settings
        secrets = {
            name: interpolated(
                self.variables.of_field(
                    node_id=node.id, service=self.names[node.id], field=f"{SECRET_PREFIX}{name}", given=True
                )
            )
            for name in settings.secrets
        }
        layer, overrides = from_config(
            env={name: plain(value) for name, value in settings.env.items()}, secrets=secrets
        )
        self._note_overrides(node, overrides)
        renamed = [name for name in (*settings.env, *settings.secrets) if variable_name(name) != name]
        self.warnings.extend(f"{node.label!r}: {name!r} is set as {variable_name(name)}" for name in sorted(renamed))
        return layer

    def _note(self, node: Node, field_name: str, message: str) -> None:
        self.problems.append(Problem(node_id=node.id, node_name=node.label, field=field_name, message=message))

    def _note_overrides(self, node: Node, overrides: list[str]) -> None:
        self.overrides.extend(f"{self.names[node.id]}: {sentence}" for sentence in overrides)


def _unused_settings(node: Node, kind: DatabaseKind) -> Iterator[str]:
    """Return a sentence for each setting that databases of this kind do not have."""
    settings = node.settings
    given = {
        "a password": settings.password_given and not kind.has_password,
        "a user": bool(settings.user) and not kind.default_user,
        "a database": bool(settings.database) and not kind.default_database,
    }
    yield from (
        f"{node.label!r}: {kind.name} is run without {what}; the one given is not used" for what in given if given[what]
    )
    if settings.port not in {None, kind.port}:
        yield f"{node.label!r} listens on {kind.port}; its port {settings.port} is not used"


def image_tag(digest: str, dockerfile: str) -> str:
    """Return the same tag for the same code and Dockerfile: then nothing is built again."""
    whole = hashlib.sha256(f"{digest}\n{dockerfile}".encode())
    return whole.hexdigest()[:IMAGE_HASH_DIGITS]
