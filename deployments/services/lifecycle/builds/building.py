"""What a cluster's builder does for a deployment: it builds and pushes first, then a manager applies by digests.

The order to the manager is kept with that to the builder, so whatever dies in between, the builder's last report is all
that is needed to go on. Until then nothing of the deployment was applied anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from agents import gateway
from agents.errors import AgentNotFound, CommandNotFound, ServerNotFound
from agents.services import clusters, directory
from agents.states import CommandOutcome, Presence
from agents.types import BuildCommand, CommandData, CommandFinished, DeployCommand
from agents.wording.sentences import sentence
from deployments.errors import Invalid, Transient
from deployments.event_types import EventType, NewEvent
from deployments.repositories import deployments, events
from deployments.repositories.deployments import Outcome
from deployments.services.lifecycle import agent_access, observations
from deployments.services.lifecycle.command_ids import build_command_id, deploy_command_id
from deployments.services.permissions import target_agents
from deployments.services.secrets import variables
from deployments.states import Reason
from deployments.types import DeploymentRecord, Target, TargetKind

KIND = "build"
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Builder:
    """The server that a cluster names as its builder. `away`: why it cannot begin now, for people."""

    name: str
    agent_id: UUID | None
    away: str = ""


def builder_of(target: Target) -> Builder | None:
    """Return the builder that the cluster names; None where a manager builds. Raises Invalid for one too old."""
    if target.kind is not TargetKind.CLUSTER:
        return None
    try:
        builder_id = directory.get_cluster(cluster_id=target.id).builder_id
        if builder_id is None:
            return None
        name = directory.get_server(server_id=builder_id).name
        agent = directory.agent_for_server(server_id=builder_id)
    except ServerNotFound:
        return None
    except AgentNotFound:
        return Builder(name=name, agent_id=None, away=f"No agent is enrolled on {name}.")
    away = ""
    if agent.presence is not Presence.ONLINE:
        seen = f"last seen {agent.last_seen_at:%Y-%m-%d %H:%M:%S} UTC" if agent.last_seen_at else "not connected yet"
        away = f"Its agent is away ({seen})."
    elif not directory.knows(agent_id=agent.id, kind=KIND):
        raise Invalid(
            sentence(
                "The agent of {name}, the builder of the cluster, is too old to build for it. Update it, or choose "
                "another builder.",
                name=name,
            )
        )
    return Builder(name=name, agent_id=agent.id, away=away)


def waiting_message(*, target: Target, command: DeployCommand) -> str:
    """Say whom the deployment waits for when it builds something and its builder is away; empty otherwise."""
    builder = builder_of(target) if command.built else None
    return f"Waiting for {builder.name}, the builder of the cluster. {builder.away}" if builder and builder.away else ""


def plan_note(*, target: Target, builds: bool) -> tuple[str, ...]:
    """Return where images are built, and that the deployment would wait for it; nothing where a manager builds."""
    try:
        builder = builder_of(target) if builds else None
    except Invalid as error:
        return (error.message,)
    if builder is None:
        return ()
    if builder.away:
        return (f"Images are built on {builder.name}, which the deployment would wait for. {builder.away}",)
    return (f"Images are built on {builder.name}.",)


def hand_to_builder(*, deployment: DeploymentRecord, command: DeployCommand) -> UUID | None:
    """Store the order to build, if anything is built and the cluster names a builder; return the builder's agent.

    Inside the transaction that starts the deployment. Of its values the builder is given what builds read.
    """
    builder = builder_of(deployment.target) if command.built else None
    if builder is None or builder.agent_id is None:
        return None
    names = names_for_builds(command)
    gateway.send(
        command_id=build_command_id(deployment.id),
        agent_id=builder.agent_id,
        lane=deployment.lane,
        deployment_id=deployment.id,
        project_id=deployment.project_id,
        command=BuildCommand(order=command, variable_names=names),
    )
    return builder.agent_id


def names_for_builds(command: DeployCommand) -> tuple[str, ...]:
    """Return the variables that builds of this order read."""
    return tuple(sorted({name for service in command.built for name in service.build_secrets.values()}))


def underway(deployment: DeploymentRecord) -> CommandData | None:
    """Return the order to build of a deployment of which nothing was ordered of a manager yet; None for all others."""
    if deployment.target.kind is not TargetKind.CLUSTER or gateway.is_known(deploy_command_id(deployment.id)):
        return None
    try:
        return gateway.find(command_id=build_command_id(deployment.id))
    except CommandNotFound:
        return None


def name_of(order: CommandData) -> str:
    """Return what people call the server that builds."""
    targets = directory.targets_of(agent_ids=[order.agent_id])
    server_id = targets.get(order.agent_id, (None,))[0]
    return directory.server_names(server_ids=[server_id]).get(server_id, "the builder") if server_id else "the builder"


def on_built(*, deployment: DeploymentRecord, finished: CommandFinished, at: datetime) -> Outcome | None:
    """Order the stack of a manager, with the digests that the builder told; else return how the deployment ends.

    Inside a transaction that holds the deployment's row.
    """
    data = gateway.find(command_id=build_command_id(deployment.id))
    assert isinstance(data.command, BuildCommand)
    order = data.command.order
    told = {each.service_name: each.image_digest for each in finished.services if each.image_digest}
    lacking = [service.name for service in order.built if service.name not in told]
    if finished.outcome is not CommandOutcome.SUCCEEDED or lacking:
        why = finished.message
        if finished.outcome is CommandOutcome.SUCCEEDED:
            why = f"It told no digest of {lacking[0]}."
        return Outcome(
            reason=observations.reason_of(finished.reason or Reason.BUILD),
            message=f"The images were not built on {name_of(data)}, and nothing was applied. {why}",
            failed_service=finished.failed_service,
            log_tail=finished.log_tail,
        )
    built = {service.name: told[service.name] for service in order.built}
    try:
        agent_id = _manager(deployment.target)
    except Invalid as error:
        return Outcome(reason=Reason.INVALID, message=f"{error.message} The images were built; nothing was applied.")
    _hand_to_manager(deployment=deployment, agent_id=agent_id, command=replace(order, built_images=built), at=at)
    return None


def _manager(target: Target) -> UUID:
    """Return a manager's agent that can be asked, or one that is away: the order waits for it, or is handed on."""
    try:
        return target_agents.manager_of(target).agent_id
    except Transient:
        known = clusters.manager_agents(cluster_id=target.id)
    if not known:
        raise Invalid(sentence("No manager of the cluster has an agent any more."))
    return known[0].agent_id


def _hand_to_manager(*, deployment: DeploymentRecord, agent_id: UUID, command: DeployCommand, at: datetime) -> None:
    gateway.send(
        command_id=deploy_command_id(deployment.id),
        agent_id=agent_id,
        lane=deployment.lane,
        deployment_id=deployment.id,
        project_id=deployment.project_id,
        command=command,
    )
    # What was sealed to the builder is a part of the values only.
    gateway.forget_values(deployment_id=deployment.id)
    if values := variables.values_for(deployment_id=deployment.id):
        gateway.seal_values(agent_id=agent_id, deployment_id=deployment.id, values=values)
    agent_access.seal_logins(agent_id=agent_id, deployment=deployments.get(deployment_id=deployment.id))
    sent = NewEvent(type=EventType.COMMAND_SENT, payload={"agentId": str(agent_id)})
    events.append(deployment_id=deployment.id, events=[sent], at=at)
    logger.info("images built, handed to a manager", deployment_id=str(deployment.id), agent_id=str(agent_id))
