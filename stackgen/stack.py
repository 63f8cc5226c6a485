"""From a graph to a stack: the same bytes every time, no value of a secret anywhere in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping

from stackgen.code.bundle import CodeFacts
from stackgen.errors import GraphInvalid, Problem
from stackgen.listing import env_example
from stackgen.nodes import Graph
from stackgen.output.compose import compose_document, dockerfile_name
from stackgen.output.layout import Identity, Layout
from stackgen.output.swarm import longest_name, swarm_document, warnings_of
from stackgen.parts.builder import Workshop
from stackgen.parts.names import LONGEST, service_names
from stackgen.parts.networks import cover, network_names
from stackgen.parts.order import start_order
from stackgen.parts.part import Part
from stackgen.results import COMPOSE_FILE, Stack, StackOptions, StackService, Variable
from stackgen.yaml import document

__all__ = ["Stack", "StackOptions", "StackService", "Variable", "generate"]

STACK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
DEFAULTS = StackOptions()
# Docker's default address pools hold about thirty networks; other stacks on the host need some of them.
MANY_NETWORKS = 25


def generate(
    *,
    graph: Graph,
    stack_name: str,
    project_id: str,
    code: Mapping[str, CodeFacts],
    env_names: Collection[str] = (),
    options: StackOptions = DEFAULTS,
) -> Stack:
    """The stack of this graph. `code` is keyed by node id; of the request's envVars only the names are needed.

    Raises GraphInvalid with every problem that shows only now: code that cannot be built, ports that cannot be shared.
    """
    if not STACK_NAME.fullmatch(stack_name):
        raise ValueError(f"not a name for a stack: {stack_name!r}")
    workshop = Workshop(
        graph=graph,
        names=service_names(graph, longest=longest_name(stack_name) if options.engine == "swarm" else LONGEST),
        code=code,
        env_names=env_names,
        options=options,
        stack_name=stack_name,
    )
    parts = workshop.make_all()
    problems = [*workshop.problems, *_unshareable(parts.values(), options)]
    if problems:
        raise GraphInvalid(problems)
    layout = _lay_out(workshop, parts, project_id)
    return _stack(workshop, layout)


def _unshareable(parts: Collection[Part], options: StackOptions) -> list[Problem]:
    """Compose cannot give one port of the host to several containers."""
    return [
        Problem(
            node_id=part.node.id,
            node_name=part.node.label,
            field="config.replicas",
            message=f"{part.node.settings.replicas} copies cannot share port {part.ports[0][0]} of one host",
        )
        for part in parts
        if options.engine == "compose" and part.ports and part.node.settings.replicas > 1
    ]


def _lay_out(workshop: Workshop, parts: Mapping[str, Part], project_id: str) -> Layout:
    names = workshop.names
    needs = {
        names[node.id]: tuple(sorted(names[target] for target in workshop.callees.get(node.id, ())))
        for node in workshop.graph.nodes
    }
    order = start_order(dict(sorted(needs.items())))
    groups = cover(sorted(needs), ((source, target) for source, targets in needs.items() for target in targets))
    named = network_names(groups)
    networks: dict[str, list[str]] = {name: [] for name in needs}
    for group, network in named.items():
        for member in group:
            networks[member].append(network)
    workshop.warnings.extend(_order_warnings(order.circles))
    workshop.warnings.extend(warnings_of(parts.values()) if workshop.options.engine == "swarm" else ())
    workshop.warnings.extend(_network_warnings(len(named), workshop.options))
    return Layout(
        stack_name=workshop.stack_name,
        project_id=project_id,
        parts=tuple(sorted(parts.values(), key=lambda part: (order.level[part.name], part.name))),
        order=order,
        networks={name: tuple(sorted(found)) for name, found in networks.items()},
        all_networks=tuple(sorted(named.values())),
        healthy=frozenset(part.name for part in parts.values() if part.health),
        options=workshop.options,
    )


def _order_warnings(circles: Collection[tuple[str, ...]]) -> list[str]:
    return [f"these call each other in a circle and start together: {' -> '.join(circle)}" for circle in circles]


def _network_warnings(count: int, options: StackOptions) -> list[str]:
    if options.engine != "compose" or count <= MANY_NETWORKS:
        return []
    return [
        f"{count} networks keep apart what is not joined; Docker's default address pools hold about 30 on one host, "
        "so give the engine more of them (default-address-pools in its daemon.json)"
    ]


def _stack(workshop: Workshop, layout: Layout) -> Stack:
    write = swarm_document if workshop.options.engine == "swarm" else compose_document
    content, identities = write(layout)
    variables = workshop.variables.used()
    files = {COMPOSE_FILE: document(content)}
    for part in layout.parts:
        files.update(_files_of(part))
    files[".env.example"] = env_example(variables, layout.options.engine)
    return Stack(
        name=layout.stack_name,
        engine=workshop.options.engine,
        files=files,
        services=tuple(_service(part, layout, identities[part.name]) for part in layout.parts),
        variables=variables,
        names=dict(workshop.names),
        warnings=tuple(dict.fromkeys(workshop.warnings)),
        overrides=tuple(workshop.overrides),
        content_hash=_hash_of_files(files),
    )


def _files_of(part: Part) -> dict[str, str]:
    files = {file.file: file.text for file in part.files}
    if part.dockerfile:
        files[dockerfile_name(part)] = part.dockerfile
    if part.dockerignore:
        # BuildKit reads the list that bears the Dockerfile's name, so it needs no place in the code.
        files[f"{dockerfile_name(part)}.dockerignore"] = part.dockerignore
    return files


def _service(part: Part, layout: Layout, identity: Identity) -> StackService:
    return StackService(
        node_id=part.node.id,
        name=part.name,
        image=part.image,
        bundle_digest=part.bundle_digest,
        dockerfile=dockerfile_name(part) if part.dockerfile else "",
        depends_on=layout.order.waits_for[part.name],
        has_health_check=bool(part.health),
        replicas=part.node.settings.replicas,
        level=layout.order.level[part.name],
        content_hash=identity.content_hash,
        aspects=identity.aspects,
        starts_first=layout.starts_first(part),
        volumes=tuple(layout.volume_name(part, volume.name) for volume in part.volumes),
        published_ports=tuple(outside for outside, _ in part.ports),
    )


def _hash_of_files(files: Mapping[str, str]) -> str:
    whole = hashlib.sha256()
    for name in sorted(files):
        for text in (name, files[name]):
            encoded = text.encode()
            whole.update(b"%d\n" % len(encoded))
            whole.update(encoded)
    return whole.hexdigest()
