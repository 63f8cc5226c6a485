"""What an agent may have of a deployment: values and code, while it works on it or runs it, and not for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from agents import gateway
from agents.types import BuildCommand, RegistryLogin
from agents.wording.sentences import sentence
from deployments.data.registry_types import SealedRegistry
from deployments.errors import NotFound
from deployments.repositories import bundles, deployments, history, projects
from deployments.services.lifecycle import requester_rights
from deployments.services.lifecycle.command_ids import build_command_id
from deployments.services.registries import logins
from deployments.services.secrets import variables
from deployments.types import DeploymentRecord


def values_for_agent(*, agent_id: UUID, deployment_id: UUID) -> dict[str, str] | bytes:
    """Return exactly the values that the deployment started with, sealed to the agent where it has a key. Secret.

    They were sealed when its command was stored, and stay closed here. Only what was started for another agent, or
    before this one had its present key, is opened once more, sealed and stored. Raises NotFound unless the agent needs
    them now and the project may still run there. The caller has checked that the agent's server was given a command of
    the deployment.
    """
    _needed(agent_id=agent_id, deployment_id=deployment_id)
    sealed = gateway.sealed_for(agent_id=agent_id, deployment_id=deployment_id)
    if sealed is not None:
        return sealed
    values = variables.values_for(deployment_id=deployment_id)
    if gateway.only_builds(agent_id=agent_id, deployment_id=deployment_id):
        values = values_for_builds(values, deployment_id=deployment_id)
    sealed = gateway.seal_values(agent_id=agent_id, deployment_id=deployment_id, values=values)
    return values if sealed is None else sealed


def values_for_builds(values: Mapping[str, str], *, deployment_id: UUID) -> dict[str, str]:
    """Return those of the values that the builder of a cluster was told to expect: what its builds read. Secret."""
    command = gateway.find(command_id=build_command_id(deployment_id)).command
    names = command.variable_names if isinstance(command, BuildCommand) else ()
    return {name: values[name] for name in names if name in values}


def logins_for_agent(*, agent_id: UUID, deployment_id: UUID, opens_sealed: bool) -> tuple[RegistryLogin, ...] | bytes:
    """Return the registries that the deployment's images come from or go to, as they are stored now. Secret.

    Sealed to an agent that has a key and opens them; opened here only where somebody changed one since its command
    was stored. Raises as above.
    """
    chosen = logins.chosen_for(_needed(agent_id=agent_id, deployment_id=deployment_id))
    if not chosen or not opens_sealed:
        return tuple(map(logins.for_agent, logins.opened(chosen)))
    sealed = gateway.sealed_logins_for(agent_id=agent_id, deployment_id=deployment_id, mark=logins.mark_of(chosen))
    if sealed is not None:
        return sealed
    found = _seal_logins(agent_id=agent_id, deployment_id=deployment_id, chosen=chosen)
    return tuple(map(logins.for_agent, logins.opened(chosen))) if found is None else found


def seal_logins(*, agent_id: UUID, deployment: DeploymentRecord) -> None:
    """Seal the deployment's registries to its agent. Call it in the transaction that stores the command."""
    if chosen := logins.chosen_for(deployment):
        _seal_logins(agent_id=agent_id, deployment_id=deployment.id, chosen=chosen)


def _seal_logins(*, agent_id: UUID, deployment_id: UUID, chosen: Sequence[SealedRegistry]) -> bytes | None:
    return gateway.seal_logins(
        agent_id=agent_id,
        deployment_id=deployment_id,
        logins=[logins.for_agent(each) for each in logins.opened(chosen)],
        mark=logins.mark_of(chosen),
    )


def bundle_for_agent(*, agent_id: UUID, digest: str) -> bytes:
    """Return the tar of a bundle from which a deployment that the agent works on is built.

    Raises NotFound when there is none, or its project may not run there any more.
    """
    at_work = [deployments.get(deployment_id=open_id) for open_id in gateway.open_deployments(agent_id=agent_id)]
    if not any(digest in deployment.code.values() for deployment in at_work if _is_allowed(deployment)):
        raise NotFound(sentence("No such code bundle."))
    return bundles.content_of(digest=digest)


def _needed(*, agent_id: UUID, deployment_id: UUID) -> DeploymentRecord:
    deployment = deployments.get(deployment_id=deployment_id)
    if not _is_needed(agent_id=agent_id, deployment=deployment) or not _is_allowed(deployment):
        raise NotFound(sentence("No such deployment."))
    return deployment


def _is_needed(*, agent_id: UUID, deployment: DeploymentRecord) -> bool:
    """Return whether it is unfinished there, or runs there."""
    unfinished, former = gateway.lane_deployments(agent_id=agent_id, lane=deployment.lane)
    # To go back, an agent at work also needs what it was ordered before that.
    if deployment.id in unfinished or (unfinished and deployment.id == former):
        return True
    running = history.running(project_id=deployment.project_id, target_id=deployment.target.id)
    return running is not None and running.deployment_id == deployment.id


def _is_allowed(deployment: DeploymentRecord) -> bool:
    project = projects.get(project_id=deployment.project_id)
    return requester_rights.may_run_on(deployment=deployment, project=project)
