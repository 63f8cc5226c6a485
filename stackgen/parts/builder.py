"""Nodes become parts: databases and gateways from what we know about them, services from their code or image."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from stackgen.code.bundle import CodeFacts
from stackgen.databases.kind import Connection, DatabaseKind
from stackgen.databases.known import KINDS, store_of_image
from stackgen.databases.places import place_of
from stackgen.errors import Problem
from stackgen.graph.checks import published_ports
from stackgen.graph.secrets import PASSWORD, SECRET_PREFIX
from stackgen.nodes import Graph, Node, NodeType
from stackgen.parts import gateway, health
from stackgen.parts.database_settings import unused_settings
from stackgen.parts.declared import collisions, with_declared
from stackgen.parts.environment import Callee, Layer, from_config, from_edges, interpolated, merged, plain, usable
from stackgen.parts.gateway_part import gateway_program
from stackgen.parts.names import distinct, elsewhere, program_variable_name, written_names
from stackgen.parts.node_references import References, UnknownReference, nodes_by_name
from stackgen.parts.render import render
from stackgen.parts.types import Part
from stackgen.parts.variables import VariableNames
from stackgen.results import StackOptions
from stackgen.runtimes.command_words import image_words, split_words
from stackgen.runtimes.dockerfile import cannot_be_asked
from stackgen.runtimes.known import find_recipe
from stackgen.runtimes.recipe import CannotBuild, Recipe

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
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Return by node id the name as people wrote it, where the service is called something else."""
        return written_names(self.graph, self.names)

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
        self.warnings.extend(self.graph.warnings)
        return {node_id: part for node_id, part in parts.items() if part is not None}

    def _part(self, node: Node) -> Part | None:
        if node.settings.external:
            return None
        if node.type.is_gateway:
            part: Part | None = self._gateway(node)
        elif node.type.is_database:
            part = self._database(node)
        else:
            part = self._service(node)
        if part is None:
            return None
        whole = replace(with_declared(part), aliases=self.aliases.get(node.id, ()))
        for field_name, message in collisions(whole):
            self._note(node, field_name, message)
        return whole

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
        self.warnings.extend(unused_settings(node, kind))
        if kind.image_warning and image == kind.image:
            self.warnings.append(f"{node.label!r}: {image} {kind.image_warning}")
        return Part(
            node=node,
            name=self.names[node.id],
            image=image,
            environment=self._given_to(node, own),
            command=self._server_command(node, kind.command(connection)),
            health=kind.health(connection),
            health_start_seconds=kind.health_start_seconds,
            health_interval_seconds=kind.health_interval_seconds,
            health_timeout_seconds=kind.health_timeout_seconds,
            volumes=place.volumes,
            ports=published_ports(node),
            fixed_hostname=kind.fixed_hostname,
            stop_grace_seconds=node.settings.stop_grace_seconds or kind.stop_grace_seconds,
        )

    def _server_command(self, node: Node, own: tuple[str, ...]) -> tuple[str, ...]:
        """Return how a database is started: as its kind says, else with the options that the graph gives."""
        asked = node.settings.command
        if asked and own:
            self._note(node, "config.command", f"cannot be given: {node.settings.kind} is started with one of our own")
        return own or tuple(plain(word) for word in split_words(asked))

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
            host=settings.host if settings.external else self.names[node.id],
            port=(settings.external and settings.port) or kind.port,
            user=kind.default_user and (settings.user or kind.default_user),
            database=kind.default_database and (settings.database or kind.default_database),
            password=password,
            password_in_url=in_url,
        )

    def _gateway(self, node: Node) -> Part:
        upstreams = []
        for target in (self.nodes[target_id] for target_id in self.callees.get(node.id, ())):
            if gateway.can_be_led_to(target) and target.settings.port is not None:
                upstreams.append(gateway.upstream_of(target, name=self.names[target.id], port=target.settings.port))
            else:
                self.warnings.append(f"{node.label!r} is joined with {target.label!r}, but leads no requests there")
        self.warnings.extend(gateway.unused_settings(node))
        program = gateway_program(node)
        image = node.settings.image or self.options.images.get(program.name, program.image)
        environment = self._given_to(node)
        part, warnings = program.part(node, upstreams, name=self.names[node.id], image=image, environment=environment)
        self.warnings.extend(warnings)
        return part

    def _given_to(self, node: Node, *layers: Layer) -> dict[str, str]:
        environment, overrides = merged([*layers, self._config_layer(node), self.own_layer(node)])
        self._note_overrides(node, overrides)
        return environment

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
            command=tuple(plain(word) for word in image_words(node.settings.command)),
            health=self._check_of(node, "none" if cannot_be_asked(node.settings.image) else "shell"),
            ports=published_ports(node),
            stop_grace_seconds=node.settings.stop_grace_seconds or 10,
        )

    def _from_code(self, node: Node, environment: Mapping[str, str], facts: CodeFacts, recipe: Recipe) -> Part:
        name = self.names[node.id]
        dockerfile = render(recipe.template, {**recipe.values, "port": node.settings.port}) if recipe.template else ""
        own_command = image_words(node.settings.command) if not dockerfile else ()
        self.warnings.extend(f"{node.label!r}: {sentence}" for sentence in recipe.warnings)
        return Part(
            node=node,
            name=name,
            image=f"{self.options.image_prefix}{self.stack_name}-{name}:{image_tag(facts.digest, dockerfile)}",
            bundle_digest=facts.digest,
            dockerfile=dockerfile,
            dockerignore="" if not dockerfile or ".dockerignore" in facts.files else render("dockerignore.j2", {}),
            environment=environment,
            command=tuple(plain(word) for word in own_command),
            health=self._check_of(node, recipe.probe),
            has_own_check=recipe.has_check,
            ports=published_ports(node),
            stop_grace_seconds=node.settings.stop_grace_seconds or 10,
        )

    def _check_of(self, node: Node, probe: str) -> tuple[str, ...]:
        """Return how a service is asked for its health."""
        if probe == "none" and node.settings.health_path:
            self.warnings.append(
                f"{node.label!r}: its image holds nothing to ask healthPath with, so only that it runs is seen; give "
                "healthCommand as a list of words that its own program understands"
            )
        return health.of_service(node.settings, probe)

    def _environment(self, node: Node) -> dict[str, str]:
        called = [self.nodes[target] for target in self.callees.get(node.id, ())]
        callees = [self._callee(target) for target in called if not target.settings.run]
        derived, warnings = from_edges(node, callees)
        config, request = self._config_layer(node), self._request_layer_of(node)
        values, overrides = merged([derived, config, request, self.own_layer(node)])
        self.warnings.extend(warnings)
        hidden = [name for name in request.values if name in derived.values and name not in config.values]
        self.warnings.extend(f"{node.label!r}: {name} is the request's, not that of its edges" for name in hidden)
        self._note_overrides(node, overrides)
        return values

    def _request_layer_of(self, node: Node) -> Layer:
        """Return the request's envVars for a service: where it listens is its own."""
        layer = self.request_layer
        if node.settings.port is None or "PORT" not in layer.values:
            return layer
        self.overrides.append(f"{self.names[node.id]}: PORT: its own port stays, the request's is not taken")
        return Layer(origin=layer.origin, values={name: text for name, text in layer.values.items() if name != "PORT"})

    def _callee(self, target: Node) -> Callee:
        label = target.settings.connection_name or self.names[target.id]
        name = target.settings.host if target.settings.external else self.names[target.id]
        if not target.type.is_database:
            port = published_ports(target)[0].inside if target.type.is_gateway else target.settings.port
            return Callee(
                name=name,
                label=label,
                port=port,
                scheme=target.settings.scheme or "http",
                is_external=target.settings.external,
                store=store_of_image(target.settings.image) if target.type is NodeType.SERVICE else "",
            )
        kind: DatabaseKind = KINDS[target.settings.kind]
        return Callee(name=name, label=label, kind=kind, connection=self.connection(target))

    def _config_layer(self, node: Node) -> Layer:
        """Return `env.NAME` as written and `secret.NAME` by its variable."""
        settings = node.settings
        secrets = {name: interpolated(self._secret(node, name)) for name in settings.secrets}
        layer, overrides = from_config(env=self._own_variables(node), secrets=secrets)
        self._note_overrides(node, overrides)
        renamed = {name: program_variable_name(name) for name in sorted((*settings.env, *settings.secrets))}
        self.warnings.extend(f"{node.label!r}: {old!r} is set as {new}" for old, new in renamed.items() if new != old)
        return layer

    def _secret(self, node: Node, name: str) -> str:
        """Return the variable that carries a secret of a node."""
        service = self.names[node.id]
        return self.variables.of_field(node_id=node.id, service=service, field=f"{SECRET_PREFIX}{name}", given=True)

    @cached_property
    def references(self) -> References:
        """Return what resolves `${node.NAME.FIELD}` in this graph."""
        return References(
            nodes=nodes_by_name(self.graph, self.names),
            callee_of=self._callee,
            secret_of=lambda node, name: interpolated(self._secret(node, name)),
            given=self.request_layer.values,
        )

    def _own_variables(self, node: Node) -> dict[str, str]:
        """Return `env.NAME` of a node, with what it says of other nodes."""
        values = {}
        for name, text in node.settings.env.items():
            try:
                values[name], led = self.references.resolve(text)
            except UnknownReference as error:
                self._note(node, f"config.env.{name}", str(error))
                continue
            for target in sorted(led - {node.id, *self.callees.get(node.id, ())} - elsewhere(self.graph)):
                self.warnings.append(
                    f"{node.label!r}: {name} leads to {self.nodes[target].label!r}, but no edge joins the two"
                )
        return values

    def _note(self, node: Node, field_name: str, message: str) -> None:
        self.problems.append(Problem(node_id=node.id, node_name=node.label, field=field_name, message=message))

    def _note_overrides(self, node: Node, overrides: list[str]) -> None:
        self.overrides.extend(f"{self.names[node.id]}: {sentence}" for sentence in overrides)


def image_tag(digest: str, dockerfile: str) -> str:
    """Return the same tag for the same code and Dockerfile: then nothing is built again."""
    whole = hashlib.sha256(f"{digest}\n{dockerfile}".encode())
    return whole.hexdigest()[:IMAGE_HASH_DIGITS]
