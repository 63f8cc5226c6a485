"""Ids of a deployment's commands. They follow from its id, so sending one again makes no second command. Pure."""

from __future__ import annotations

from uuid import UUID, uuid5


def deploy_command_id(deployment_id: UUID) -> UUID:
    """Return the id of the command that carries the deployment out."""
    return uuid5(deployment_id, "deploy")


def revert_command_id(deployment_id: UUID) -> UUID:
    """Return the id of the command to stop the work and to put back what ran before."""
    return uuid5(deployment_id, "revert")


def build_command_id(deployment_id: UUID) -> UUID:
    """Return the id of the command to a cluster's builder that comes before the one that carries the deployment out."""
    return uuid5(deployment_id, "build")


def swarm_command_id(change_id: UUID, *, step: int) -> UUID:
    """Return the id of the command that carries out one step of a change of a cluster."""
    return uuid5(change_id, f"swarm {step}")


def check_reach_command_id(check_id: UUID) -> UUID:
    """Return the id of the command that checks what lies elsewhere: that of the wish, which has no other command."""
    return check_id


def check_registry_command_id(check_id: UUID) -> UUID:
    """Return the id of the command that tries a registry: that of the test, which has no other command."""
    return check_id


def inspect_host_command_id(adoption_id: UUID) -> UUID:
    """Return the id of the command that looks at a server: that of the look, which has no other command."""
    return adoption_id


def delete_volume_command_id(deletion_id: UUID) -> UUID:
    """Return the id of the command that deletes a volume: that of the wish, which has no other command."""
    return deletion_id
