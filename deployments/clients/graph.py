"""Projects and graphs of graph-service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deployments.clients.envelope import member
from deployments.clients.peers import GET_GRAPH, GET_PROJECT, ask, metadata_of
from deployments.errors import Forbidden, Invalid, NotFound, PeerFailed
from deployments.names import MAX_NAME
from deployments.types import Caller


@dataclass(frozen=True, kw_only=True)
class PeerProject:
    """A project of the caller, as graph-service has it."""

    id: UUID
    name: str


def own_project(*, caller: Caller, project_id: UUID) -> PeerProject | None:
    """Return the project if graph-service says that it is the caller's; None when it is not, or is missing.

    Raises PeerFailed, or Unauthenticated, when that cannot be checked.
    """
    payload = {"metadata": metadata_of(caller=caller, project_id=project_id), "projectId": str(project_id)}
    try:
        project = member(ask(GET_PROJECT, payload), "project")
    except (NotFound, Forbidden, Invalid):
        return None
    if not isinstance(project, dict):
        raise PeerFailed("graph-service answered without a project.")
    # graph-service checks owners itself; if it erred, it would still be us who gave the project away.
    if project.get("id") != str(project_id) or project.get("userId") != str(caller.user_id):
        return None
    name = str(project.get("name") or "").replace("\x00", "").strip()
    return PeerProject(id=project_id, name=name[:MAX_NAME] or f"project {str(project_id)[:8]}")


def graph_of(*, caller: Caller, project_id: UUID) -> Mapping[str, Any]:
    """Return the project's graph as it is now, with the values of its secrets. Raises what `ask` does."""
    payload = {"metadata": metadata_of(caller=caller, project_id=project_id), "projectId": str(project_id)}
    graph = member(ask(GET_GRAPH, payload), "graph")
    if not isinstance(graph, dict):
        raise PeerFailed("graph-service answered without a graph.")
    return {"nodes": graph.get("nodes") or [], "edges": graph.get("edges") or []}
