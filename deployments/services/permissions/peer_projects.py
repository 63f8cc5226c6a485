"""Projects that live in graph-service: a row of ours for each, made when it is first seen to be somebody's.

The row is believed for looking and for what was deployed already; deploying asks graph-service again.
"""

from __future__ import annotations

from uuid import UUID

import structlog

from deployments.clients import graph
from deployments.clients.peers import Peer, uses
from deployments.repositories import projects
from deployments.types import Caller, ProjectRecord

logger = structlog.get_logger(__name__)


def import_peer_project(*, caller: Caller, project_id: UUID) -> ProjectRecord | None:
    """Give the caller's project a row of ours and return it; None when graph-service does not say it is the caller's.

    Asks nobody where our own tables are the source. Raises PeerFailed when it cannot be checked.
    """
    if not uses(Peer.GRAPH):
        return None
    peer_project = graph.own_project(caller=caller, project_id=project_id)
    if peer_project is None:
        return None
    project = projects.mirror(project_id=project_id, owner_id=caller.user_id, name=peer_project.name)
    if project is None:
        # Its secrets and history are the former owner's: an administrator hands them over, or nobody does.
        logger.warning("a project of graph-service is another owner's here", project_id=str(project_id))
    return project


def is_still_owner(*, caller: Caller, project_id: UUID) -> bool:
    """Return whether the owner of our row is the owner still. Raises PeerFailed when it cannot be checked."""
    return not uses(Peer.GRAPH) or graph.own_project(caller=caller, project_id=project_id) is not None
