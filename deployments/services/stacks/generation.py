"""A project's graph and code become a stack: the pure generator with our own inputs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.repositories import bundles
from deployments.services.stacks import swarm_limits
from deployments.types import ProjectRecord
from stackgen.code.bundle import CodeFacts, facts_of_tar
from stackgen.errors import GraphInvalid
from stackgen.graph.reader import Graph, parse_graph
from stackgen.results import Engine, Stack, StackOptions
from stackgen.stack import generate

FACTS_KEPT = 256
NO_NAMES: Mapping[str, tuple[str, ...]] = {}


def generate_stack(
    *,
    project: ProjectRecord,
    graph: Mapping[str, Any],
    code: Mapping[str, str],
    env_names: tuple[str, ...],
    node_env_names: Mapping[str, tuple[str, ...]] = NO_NAMES,
    engine: Engine = "compose",
    has_registry: bool = False,
) -> Stack:
    """Generate the stack of this graph and these bundles. Raises Invalid with every problem, by node and field.

    `env_names`: variables that every service is given, `node_env_names`: those of single nodes, by node id. `engine`:
    for whom; what a Swarm cannot do is Invalid, too. `has_registry`: it has one for what is built.
    """
    try:
        parsed = parse_graph(graph)
        _refuse_empty(parsed)
        stack = generate(
            graph=parsed,
            stack_name=stack_name(project),
            project_id=str(project.id),
            code={node_id: facts_of_bundle(digest) for node_id, digest in code.items() if has_node(parsed, node_id)},
            env_names=env_names,
            node_env_names=node_env_names,
            options=_options(engine, encrypted=project.encrypt_networks),
        )
    except GraphInvalid as error:
        raise invalid_graph(error) from error
    if engine == "swarm":
        swarm_limits.refuse_unsupported(stack, has_registry=has_registry)
    return stack


def _options(engine: Engine, *, encrypted: bool) -> StackOptions:
    return StackOptions(
        engine=engine,
        swarm_ports="host" if settings.AXION_SWARM_PORTS == "host" else "ingress",
        swarm_endpoints="dnsrr" if settings.AXION_SWARM_ENDPOINTS == "dnsrr" else "vip",
        encrypted=encrypted,
    )


def _refuse_empty(graph: Graph) -> None:
    """Raise Invalid for a graph of nothing: deploying it would end all that runs, which has a request of its own."""
    if all(node.settings.external for node in graph.nodes):
        raise Invalid(
            sentence(
                "The graph has no nodes that run here, so there is nothing to deploy. To end what "
                "runs, stop the project."
            ),
            details={"graph": sentence("has no nodes that run here")},
        )


def with_replicas(*, graph: Mapping[str, Any], replicas: Mapping[str, int]) -> dict[str, Any]:
    """Return the graph with these numbers of copies (node id to number) in place of its own."""
    return {**graph, "nodes": [_with_copies(node, replicas.get(str(node["id"]))) for node in graph.get("nodes", [])]}


def _with_copies(node: Mapping[str, Any], number: int | None) -> Mapping[str, Any]:
    if number is None:
        return node
    data = node["data"]
    return {**node, "data": {**data, "config": {**data.get("config", {}), "replicas": str(number)}}}


def stack_name(project: ProjectRecord) -> str:
    """Return what stands in front of everything of this project that is global on a host."""
    return f"axion-{project.slug}"


def has_node(graph: Graph, node_id: str) -> bool:
    """Return whether the node is still in the graph; code of one that is not is left aside."""
    return any(node.id == node_id for node in graph.nodes)


@lru_cache(maxsize=FACTS_KEPT)
def facts_of_bundle(digest: str) -> CodeFacts:
    """Return facts on a bundle; content-addressed, so they never change."""
    return facts_of_tar(bundles.content_of(digest=digest))


def invalid_graph(error: GraphInvalid) -> Invalid:
    """Return the generator's problems as one VALIDATION_ERROR, keyed by "<node id>.<field>"."""
    details = {f"{problem.node_id or 'graph'}.{problem.field}": problem.message for problem in error.problems}
    first = error.problems[0]
    where = f"{first.node_name or first.node_id}: " if first.node_name or first.node_id else ""
    more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
    return Invalid(
        sentence(
            "The graph cannot be deployed. {where}{field}: {message}{more}",
            where=where,
            field=first.field,
            message=first.message,
            more=more,
        ),
        details=details,
    )
