"""From a graph to a stack: the same bytes every time, no value of a secret anywhere in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping

from stackgen.code.bundle import CodeFacts
from stackgen.databases.known import data_release
from stackgen.errors import GraphInvalid, Problem
from stackgen.keys.jobs import APART_FROM_DEPLOYMENTS, FORBID
from stackgen.nodes import APART, Graph
from stackgen.output.compose import compose_document, dockerfile_name, named_secrets
from stackgen.output.engine_limits import beyond_compose, beyond_swarm
from stackgen.output.env_example import env_example
from stackgen.output.layout import Identity, Layout
from stackgen.output.swarm import max_name_length, swarm_document, warnings_of
from stackgen.parts.builder import PartBuilder
from stackgen.parts.declared import written_paths
from stackgen.parts.gateway import not_offered
from stackgen.parts.names import MAX_NAME_LENGTH, service_names
from stackgen.parts.networks import cover, network_names
from stackgen.parts.order import start_order
from stackgen.parts.public_variables import missing_in_build
from stackgen.parts.types import Part
from stackgen.results import COMPOSE_FILE, Stack, StackJob, StackOptions, StackService, Variable
from stackgen.yaml import document

__all__ = ["Stack", "StackOptions", "StackService", "Variable", "generate"]

STACK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
DEFAULTS = StackOptions()
# Names of the others hold no two dashes.
SHARED_NETWORK = "shared--network"
ENCRYPTED = "_encrypted"
NO_NAMES: Mapping[str, Collection[str]] = {}
# Docker's default address pools hold about thirty networks; other stacks on the host need some of them.
MANY_NETWORKS = 25


def generate(
    *,
    graph: Graph,
    stack_name: str,
    project_id: str,
    code: Mapping[str, CodeFacts],
    env_names: Collection[str] = (),
    node_env_names: Mapping[str, Collection[str]] = NO_NAMES,
    options: StackOptions = DEFAULTS,
) -> Stack:
    """Return the stack of this graph. `code` is keyed by node id; of the request's envVars only the names are needed.

    `node_env_names` are those of single nodes by node id; they hide what every service is given.

    Raise GraphInvalid with every problem that shows only now: code that cannot be built, ports that cannot be shared.
    """
    if not STACK_NAME.fullmatch(stack_name):
        raise ValueError(f"not a name for a stack: {stack_name!r}")
    name_length = max_name_length(stack_name) if options.engine == "swarm" else MAX_NAME_LENGTH
    builder = PartBuilder(
        graph=graph,
        names=service_names(graph, max_length=name_length),
        code=code,
        env_names=env_names,
        node_env_names=node_env_names,
        options=options,
        stack_name=stack_name,
    )
    parts = builder.build_all()
    problems = [*builder.problems, *_unshareable(parts.values(), options)]
    beyond = beyond_swarm if options.engine == "swarm" else beyond_compose
    problems += [problem for part in parts.values() for problem in beyond(part)]
    if problems:
        raise GraphInvalid(problems)
    layout = _layout(builder, parts, project_id)
    return _stack(builder, layout)


def _unshareable(parts: Collection[Part], options: StackOptions) -> list[Problem]:
    """Return a problem for each part whose copies want one port: Compose cannot give it to several containers."""
    return [
        Problem(
            node_id=part.node.id,
            node_name=part.node.label,
            field="config.replicas",
            message=f"{part.node.settings.replicas} copies cannot share port {fixed[0]} of one host",
        )
        for part in parts
        if options.engine == "compose" and part.node.settings.replicas > 1
        if (fixed := [port.outside for port in part.ports if port.outside is not None])
    ]


def _layout(builder: PartBuilder, parts: Mapping[str, Part], project_id: str) -> Layout:
    names = builder.names
    needs = {
        names[node.id]: tuple(sorted(names[target] for target in builder.callees.get(node.id, ()) if target in parts))
        for node in builder.graph.nodes
        if node.id in parts
    }
    needs = dict(sorted(needs.items()))
    order = start_order(needs)
    jobs = frozenset(part.name for part in parts.values() if part.is_job)
    joined = {name: tuple(need for need in wanted if need not in jobs) for name, wanted in needs.items()}
    networks = _networks(joined, asked={names[node.id]: node.settings.network for node in builder.graph.nodes})
    if builder.options.encrypted and builder.options.engine == "swarm":
        # A network cannot become encrypted: it is another one, by another name, and services move to it.
        networks = {name: tuple(f"{each}{ENCRYPTED}" for each in joined) for name, joined in networks.items()}
    all_networks = {network for joined in networks.values() for network in joined}
    builder.warnings.extend(_order_warnings(order.cycles))
    builder.warnings.extend(not_offered(builder.graph))
    builder.warnings.extend(missing_in_build(parts.values()))
    builder.warnings.extend(warnings_of(parts.values()) if builder.options.engine == "swarm" else ())
    builder.warnings.extend(_network_warnings(len(all_networks), builder.options))
    return Layout(
        stack_name=builder.stack_name,
        project_id=project_id,
        parts=tuple(sorted(parts.values(), key=lambda part: (order.level[part.name], part.name))),
        order=order,
        networks=networks,
        all_networks=tuple(sorted(all_networks)),
        healthy=frozenset(part.name for part in parts.values() if part.is_asked),
        jobs=jobs,
        options=builder.options,
    )


def _networks(needs: Mapping[str, tuple[str, ...]], *, asked: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return service name to the names of its networks, sorted. `asked`: what each says of its network."""
    shared = {name for name, network in asked.items() if network == "shared"}
    names = [name for name in needs if asked[name] not in APART]
    edges = [(source, target) for source, targets in needs.items() for target in targets]
    groups = tuple(
        group
        for group in cover(names, [edge for edge in edges if not shared.issuperset(edge)])
        if len(group) > 1 or not shared.issuperset(group)
    )
    networks: dict[str, list[str]] = {name: [SHARED_NETWORK] if name in shared else [] for name in needs}
    for group, network in network_names(groups).items():
        for member in group:
            networks[member].append(network)
    return {name: tuple(sorted(joined)) for name, joined in networks.items()}


def _order_warnings(cycles: Collection[tuple[str, ...]]) -> list[str]:
    return [f"these call each other in a circle and start together: {' -> '.join(cycle)}" for cycle in cycles]


def _network_warnings(count: int, options: StackOptions) -> list[str]:
    if options.engine != "compose" or count <= MANY_NETWORKS:
        return []
    return [
        f"{count} networks keep apart what is not joined; Docker's default address pools hold about 30 on one host, "
        "so give the engine more of them (default-address-pools in its daemon.json)"
    ]


def _stack(builder: PartBuilder, layout: Layout) -> Stack:
    write = swarm_document if builder.options.engine == "swarm" else compose_document
    content, identities = write(layout)
    files = {COMPOSE_FILE: document(content)}
    named = [variable for part in layout.parts for variable in named_secrets(part).values()]
    variables = builder.variables.used_in(files[COMPOSE_FILE], named=named)
    for part in layout.parts:
        files.update(_files_of(part))
    files[".env.example"] = env_example(variables, layout.options.engine)
    return Stack(
        name=layout.stack_name,
        engine=builder.options.engine,
        files=files,
        services=tuple(_service(part, layout, identities[part.name]) for part in layout.parts if not part.is_job),
        jobs=tuple(_job(part, layout, identities[part.name]) for part in layout.parts if part.is_job),
        variables=variables,
        names={part.node.id: part.name for part in layout.parts},
        warnings=tuple(dict.fromkeys(builder.warnings)),
        overrides=tuple(builder.overrides),
        content_hash=_hash_of_files(files),
        domains=_domains_of(builder.graph),
    )


def _domains_of(graph: Graph) -> dict[str, str]:
    wanted = [
        (domain, node.label)
        for node in graph.nodes
        for domain in (node.settings.domain, *node.settings.routes.values())
    ]
    return {domain: label for domain, label in wanted if domain and not domain.startswith("/")}


def _files_of(part: Part) -> dict[str, str]:
    files = {file.file: file.text for file in part.files}
    if part.dockerfile:
        files[dockerfile_name(part)] = part.dockerfile
    if part.dockerignore:
        # BuildKit reads the list that bears the Dockerfile's name, so it needs no place in the code.
        files[f"{dockerfile_name(part)}.dockerignore"] = part.dockerignore
    return files


def _service(part: Part, layout: Layout, identity: Identity) -> StackService:
    tcp = [port for port in part.ports if port.protocol == "tcp"]
    return StackService(
        node_id=part.node.id,
        name=part.name,
        image=part.image,
        bundle_digest=part.bundle_digest,
        dockerfile=dockerfile_name(part) if part.dockerfile else "",
        depends_on=layout.order.waits_for[part.name],
        has_health_check=part.is_asked,
        replicas=part.node.settings.replicas,
        level=layout.order.level[part.name],
        content_hash=identity.content_hash,
        aspects=identity.aspects,
        starts_first=layout.starts_first(part),
        volumes=tuple(layout.volume_name(part, volume) for volume in part.volumes),
        host_paths=written_paths(part.node),
        data_release=data_release(
            part.node.settings.kind, image=part.image, version=part.node.settings.database_version
        ),
        build_folder=part.build.folder,
        build_dockerfile=part.build.dockerfile,
        build_target=part.build.target,
        build_args=part.build.args,
        build_secrets=part.build.secrets,
        published_ports=tuple(port.outside for port in tcp if port.outside is not None),
        free_ports=tuple(port.inside for port in tcp if port.outside is None),
    )


def _job(part: Part, layout: Layout, identity: Identity) -> StackJob:
    waits_for, settings = layout.order.waits_for, part.node.settings
    return StackJob(
        service=_service(part, layout, identity),
        repeatable=settings.repeatable,
        timeout_seconds=settings.job_timeout_seconds,
        needs=tuple(sorted(_all_needs(part.name, waits_for) - layout.jobs)),
        before=tuple(name for name, wanted in sorted(waits_for.items()) if part.name in wanted),
        by_hand=settings.run in APART_FROM_DEPLOYMENTS,
        schedule=settings.schedule,
        time_zone=(settings.time_zone or "UTC") if settings.schedule else "",
        overlap=(settings.overlap or FORBID) if settings.schedule else "",
    )


def _all_needs(name: str, waits_for: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return what it waits for, and all that these wait for."""
    found: set[str] = set()
    left = [name]
    while left:
        new = set(waits_for[left.pop()]) - found
        found |= new
        left += new
    return found


def _hash_of_files(files: Mapping[str, str]) -> str:
    whole = hashlib.sha256()
    for name in sorted(files):
        for text in (name, files[name]):
            encoded = text.encode()
            whole.update(b"%d\n" % len(encoded))
            whole.update(encoded)
    return whole.hexdigest()
