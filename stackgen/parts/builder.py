"""Nodes become parts: databases and gateways from what we know about them, services from their code or image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from stackgen.code.bundle import CodeFacts
from stackgen.databases.kind import Connection, DatabaseKind
from stackgen.databases.known import KINDS
from stackgen.databases.places import place_of
from stackgen.errors import Problem
from stackgen.graph.checks import published_ports
from stackgen.graph.secrets import PASSWORD
from stackgen.nodes import Graph, Node
from stackgen.parts import gateway, health
from stackgen.parts.built import facts_in, image_tag, order_of, recipe_of, unused_build_keys
from stackgen.parts.database_settings import connection_to, unused_settings, with_options
from stackgen.parts.declared import collisions, own_volumes, with_declared
from stackgen.parts.environment import (
    Callee,
    Layer,
    callee_without_data,
    from_config,
    from_edges,
    interpolated,
    merged,
)
from stackgen.parts.gateway_part import gateway_program
from stackgen.parts.given import GivenVariables
from stackgen.parts.names import distinct, elsewhere, program_variable_name, written_names
from stackgen.parts.node_references import References, nodes_by_name
from stackgen.parts.node_texts import NodeTexts
from stackgen.parts.render import render
from stackgen.parts.types import Part
from stackgen.parts.variables import VariableNames
from stackgen.results import StackOptions
from stackgen.runtimes.command_words import split_words
from stackgen.runtimes.dockerfile import cannot_be_asked
from stackgen.runtimes.recipe import CannotBuild, Recipe


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
    def given(self) -> GivenVariables:
        own, shared = self.node_env_names, self.env_names
        return GivenVariables(names=self.names, env_names=shared, node_env_names=own, variables=self.variables)

    def build_all(self) -> dict[str, Part]:
        """Return node id to part, in the graph's order, without those that cannot be built; `problems` says why."""
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
        whole = with_declared(part, self.texts, variable_of=self._variable_named)
        whole = replace(whole, aliases=self.aliases.get(node.id, ()))
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
            command=self._server_command(node, kind, connection),
            health=kind.health(connection),
            health_start_seconds=kind.health_start_seconds,
            health_interval_seconds=kind.health_interval_seconds,
            health_timeout_seconds=30 if connection.databases or connection.extensions else kind.health_timeout_seconds,
            volumes=own_volumes(node, place.volumes),
            ports=published_ports(node),
            fixed_hostname=kind.fixed_hostname or bool(connection.replica_set),
            stop_grace_seconds=node.settings.stop_grace_seconds or kind.stop_grace_seconds,
        )

    def _server_command(self, node: Node, kind: DatabaseKind, connection: Connection) -> tuple[str, ...]:
        """Return how a database is started: as its kind says, with the options that the graph gives."""
        options = self.texts.words(node, "config.command", node.settings.command, split_words)
        return with_options(kind, kind.command(connection), options)

    def connection(self, node: Node) -> Connection:
        """Return how the callers of a database reach it."""
        kind, settings = KINDS[node.settings.kind], node.settings
        password = in_url = ""
        if kind.has_password:
            name = self.variables.of_field(
                node_id=node.id, service=self.names[node.id], field=PASSWORD, given=settings.password_given
            )
            password, in_url = interpolated(name), interpolated(self.variables.in_url(name))
        return connection_to(node, kind, name=self.names[node.id], password=password, in_url=in_url)

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
        environment, overrides = merged([*layers, self._config_layer(node), self.given.own_layer(node)])
        self._note_overrides(node, overrides)
        return environment

    def _service(self, node: Node) -> Part | None:
        environment = self._environment(node)
        facts = self.code.get(node.id)
        if node.settings.image:
            self.warnings.extend(unused_build_keys(node))
            return self._from_image(node, environment)
        if facts is None:
            self._note(node, "code", "has no source code and no image: upload its code or set config.image")
            return None
        try:
            recipe = recipe_of(node.settings, facts, self.options.images)
            if recipe.template:
                recipe = recipe_of(self.texts.in_image(node), facts, self.options.images)
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
            command=self.texts.words(node, "config.command", node.settings.command),
            health=self._check_of(node, "none" if cannot_be_asked(node.settings.image) else "shell"),
            ports=published_ports(node),
            stop_grace_seconds=node.settings.stop_grace_seconds or 10,
        )

    def _from_code(self, node: Node, environment: Mapping[str, str], facts: CodeFacts, recipe: Recipe) -> Part:
        name = self.names[node.id]
        dockerfile = render(recipe.template, {**recipe.values, "port": node.settings.port}) if recipe.template else ""
        self.warnings.extend(f"{node.label!r}: {sentence}" for sentence in recipe.warnings)
        settings = node.settings
        secrets = {
            name: self._variable_named(node, f"config.buildSecret.{name}", given)
            for name, given in settings.build_secrets.items()
        }
        order = order_of(settings, secrets=secrets)
        files = facts_in(facts, settings.build_folder).files
        return Part(
            node=node,
            name=name,
            image=f"{self.options.image_prefix}{self.stack_name}-{name}:{image_tag(facts.digest, dockerfile, order)}",
            bundle_digest=facts.digest,
            dockerfile=dockerfile,
            dockerignore="" if not dockerfile or ".dockerignore" in files else render("dockerignore.j2", {}),
            build=order,
            environment=environment,
            command=() if dockerfile else self.texts.words(node, "config.command", settings.command),
            health=self._check_of(node, recipe.probe),
            has_own_check=recipe.has_check,
            ports=published_ports(node),
            stop_grace_seconds=node.settings.stop_grace_seconds or 10,
        )

    def _check_of(self, node: Node, probe: str) -> tuple[str, ...]:
        """Return how a service is asked for its health."""
        self.warnings.extend(health.cannot_ask(node, probe))
        return health.of_service(node.settings, probe)

    def _environment(self, node: Node) -> dict[str, str]:
        called = map(self.nodes.__getitem__, self.callees.get(node.id, ()))
        callees = [self._callee(target) for target in called if not target.settings.run]
        derived, warnings = from_edges(node, callees)
        config, request = self._config_layer(node), self.given.request_layer_of(node, self.overrides.append)
        values, overrides = merged([derived, config, request, self.given.own_layer(node)])
        self.warnings.extend(warnings)
        hidden = [name for name in request.values if name in derived.values and name not in config.values]
        self.warnings.extend(f"{node.label!r}: {name} is the request's, not that of its edges" for name in hidden)
        self._note_overrides(node, overrides)
        return values

    def _callee(self, target: Node) -> Callee:
        label = target.settings.connection_name or self.names[target.id]
        name = target.settings.host if target.settings.external else self.names[target.id]
        if not target.type.is_database:
            return callee_without_data(target, name=name, label=label)
        return Callee(name=name, label=label, kind=KINDS[target.settings.kind], connection=self.connection(target))

    def _config_layer(self, node: Node) -> Layer:
        """Return `env.NAME` as written and `secret.NAME` by its variable."""
        settings = node.settings
        in_files = {*settings.secret_files.values(), *settings.build_secrets.values()}
        own = {name: interpolated(self.given.secret(node, name)) for name in settings.secrets if name not in in_files}
        layer, overrides = from_config(env=self.texts.variables(node), secrets=own)
        self._note_overrides(node, overrides)
        renamed = {name: program_variable_name(name) for name in sorted((*settings.env, *own))}
        self.warnings.extend(f"{node.label!r}: {old!r} is set as {new}" for old, new in renamed.items() if new != old)
        return layer

    @cached_property
    def references(self) -> References:
        """Return what resolves `${node.NAME.FIELD}` in this graph."""
        return References(
            nodes=nodes_by_name(self.graph, self.names),
            callee_of=self._callee,
            secret_of=lambda node, name: interpolated(self.given.secret(node, name)),
            given=self.given.request_layer.values,
        )

    @cached_property
    def texts(self) -> NodeTexts:
        outside = elsewhere(self.graph)
        return NodeTexts(
            references=self.references,
            note=self._note,
            warn=self.warnings.append,
            joined=lambda node: outside.union(self.callees.get(node.id, ())),
        )

    def _variable_named(self, node: Node, field_name: str, name: str) -> str:
        carrier = self.given.named(node, name)
        if not carrier:
            self._note(node, field_name, f"names the variable {name}, which nobody gave: give secret.{name}, or set it")
        return carrier

    def _note(self, node: Node, field_name: str, message: str) -> None:
        self.problems.append(Problem(node_id=node.id, node_name=node.label, field=field_name, message=message))

    def _note_overrides(self, node: Node, overrides: list[str]) -> None:
        self.overrides.extend(f"{self.names[node.id]}: {sentence}" for sentence in overrides)
