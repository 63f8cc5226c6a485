"""Servers and clusters: one interface, two sources. Here our own tables, the default."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from agents.errors import AgentNotFound, ServerNotFound
from agents.services import directory
from deployments.errors import Transient
from deployments.types import Caller, Target, TargetKind


class Infrastructure(Protocol):
    """Where stacks can run."""

    def target_name(self, *, caller: Caller, target: Target) -> str | None:
        """What people call the target; None when it is missing or not the caller's."""

    def agent_of(self, *, target: Target) -> UUID:
        """The agent that a command for the target goes to. Raises Transient while there is none."""


class OwnInfrastructure:
    """Servers, clusters and agents of our own tables."""

    def target_name(self, *, caller: Caller, target: Target) -> str | None:
        try:
            found = (
                directory.get_server(server_id=target.id)
                if target.kind is TargetKind.SERVER
                else directory.get_cluster(cluster_id=target.id)
            )
        except ServerNotFound:
            return None
        return found.name if caller.sees_everything or found.owner_id == caller.user_id else None

    def agent_of(self, *, target: Target) -> UUID:
        try:
            if target.kind is TargetKind.SERVER:
                return directory.agent_for_server(server_id=target.id).id
            return directory.agent_for_cluster(cluster_id=target.id).id
        except AgentNotFound as error:
            raise Transient(f"No agent is enrolled on this {target.kind}. Enrol one from its page.") from error


def infrastructure() -> Infrastructure:
    """The configured source."""
    return OwnInfrastructure()
