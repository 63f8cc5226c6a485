"""Where a deployment's graph and code come from: our own tables, or the peers that AXION_PEERS names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.clients import codegen, graph
from deployments.clients.peers import Peer, uses
from deployments.errors import Invalid
from deployments.repositories import bundles, projects
from deployments.services.projects import sources
from deployments.types import Caller, GraphRecord


@dataclass(frozen=True, kw_only=True)
class GraphAndCode:
    """A version of the graph, and node id to digest of the code."""

    graph: GraphRecord
    code: Mapping[str, str]


def stored(*, project_id: UUID) -> GraphAndCode:
    """Return what is known without asking anybody, perhaps not the newest. Raises Invalid when there is no graph."""
    graph_record = projects.latest_graph(project_id=project_id)
    if graph_record is None and uses(Peer.GRAPH):
        graph_record = projects.blank_graph(project_id=project_id)
    if graph_record is None:
        raise Invalid(
            sentence("The project has no graph yet. Add or import one first."), details={"graph": sentence("missing")}
        )
    return GraphAndCode(graph=graph_record, code=bundles.assigned(project_id=project_id))


def fetch_graph(*, caller: Caller, project_id: UUID) -> GraphAndCode:
    """Return the graph as it is now, stored as the project's next version, with the code that we have.

    No transaction may be open. Raises Invalid for a graph that cannot be deployed, and what the peers' clients raise.
    """
    if uses(Peer.GRAPH):
        sources.store_checked_graph(project_id=project_id, graph=graph.graph_of(caller=caller, project_id=project_id))
    return stored(project_id=project_id)


def fetch_graph_and_code(*, caller: Caller, project_id: UUID) -> GraphAndCode:
    """Return the graph with the code that the peer generates for it, stored as bundles. Also raises PeerRefused."""
    origin = fetch_graph(caller=caller, project_id=project_id)
    if not uses(Peer.CODEGEN):
        return origin
    nodes = {str(node["id"]) for node in origin.graph.graph.get("nodes", [])}
    paths = codegen.generated_code(caller=caller, project_id=project_id)
    code = {}
    for node_id in sorted(nodes & set(paths)):
        digest, content = codegen.bundle_of(paths[node_id])
        bundles.keep(project_id=project_id, node_id=node_id, digest=digest, content=content)
        code[node_id] = digest
    return GraphAndCode(graph=origin.graph, code=code)
