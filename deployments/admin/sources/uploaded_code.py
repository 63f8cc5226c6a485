"""The code that was uploaded for a project's nodes, as its page lists it."""

from __future__ import annotations

from uuid import UUID

from deployments.services.projects import sources
from deployments.types import Caller, CodeRecord


def code_in(caller: Caller, project_id: UUID) -> list[tuple[CodeRecord, str]]:
    """Return the code by node, each with what its node is called. Raise NotFound."""
    graph = sources.latest_graph(caller=caller, project_id=project_id)
    nodes = graph.graph.get("nodes", []) if graph else []
    names = {str(node["id"]): str((node.get("data") or {}).get("serviceName") or node["id"]) for node in nodes}
    found = sources.list_code(caller=caller, project_id=project_id)
    return [(each, names.get(each.node_id, each.node_id)) for each in found]
