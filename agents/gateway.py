"""The way from the domain to the agents: a ledger in PostgreSQL. No call here touches the network."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from agents.repositories import (
    agents,
    assignments,
    authorities,
    closed_commands,
    commands,
    gateways,
    ledger,
    sealed_values,
    tokens,
)
from agents.retention import HostInventory
from agents.types import AgentCommand, CommandData, RegistryLogin, ReportVerdict, RevertCommand


def send(
    *, command_id: UUID, agent_id: UUID, lane: str, deployment_id: UUID, project_id: UUID, command: AgentCommand
) -> CommandData:
    """Store the command with the lane's next number; the gateway process is woken when the caller commits.

    Must be called inside a transaction; holds the lane's lock until its end. Sending the same `command_id` again
    returns the stored command unchanged. Raises AgentNotFound for an unknown or revoked agent.
    """
    return commands.queue(
        command_id=command_id,
        agent_id=agent_id,
        lane=lane,
        deployment_id=deployment_id,
        project_id=project_id,
        command=command,
    )


def send_revert(
    *, command_id: UUID, after: CommandData, command: RevertCommand, manager_id: UUID | None = None
) -> bool:
    """Store the order to go back from what `after` began, for whoever is the agent of its server now.

    In a cluster any manager will do: then it is for this one, `manager_id`.

    Must be called inside a transaction. False when no agent is enrolled there for the same owner: the order is stored
    all the same, and reaches the one that is enrolled there next. Sending the same `command_id` again changes nothing.
    """
    return commands.queue_revert(command_id=command_id, after=after, command=command, manager_id=manager_id)


def ordered_after(*, command_id: UUID) -> tuple[UUID, ...]:
    """Return the deployments that were ordered in the command's lane after it, by the lane's numbers."""
    return commands.ordered_after(command_id=command_id)


def keeps_proven(*, command_id: UUID) -> bool:
    """Tell whether this order to go back leaves a proven deployment alone, and its agent knows what that means.

    True also where the order was never sent, or was withdrawn. Inside a transaction: the command's row is locked.
    """
    return commands.keeps_proven(command_id=command_id)


def move(*, command_id: UUID, agent_id: UUID) -> bool:
    """Give an open command of a cluster to another manager's agent; False when it has it, or the command is closed.

    It gets the lane's next number, so that whoever had it before changes nothing any more, whenever it comes back.
    What the former agent reported stays; its successor goes on from there. Inside a transaction. Raises
    CommandNotFound.
    """
    return commands.move(command_id=command_id, agent_id=agent_id)


def open_commands(*, deployment_id: UUID) -> tuple[CommandData, ...]:
    """Return the deployment's commands that are not closed, by number."""
    return assignments.open_commands(deployment_id=deployment_id)


def seal_values(*, agent_id: UUID, deployment_id: UUID, values: Mapping[str, str]) -> bytes | None:
    """Seal a deployment's values so that this agent alone reads them; stored, and returned.

    None for an agent that has no key: it gets them as they are. Call it in the transaction that stores the command.
    """
    return sealed_values.store(agent_id=agent_id, deployment_id=deployment_id, values=values)


def sealed_for(*, agent_id: UUID, deployment_id: UUID) -> bytes | None:
    """Return the deployment's values as they were sealed to the agent's present key; None where they were not."""
    return sealed_values.find(agent_id=agent_id, deployment_id=deployment_id)


def seal_logins(*, agent_id: UUID, deployment_id: UUID, logins: Sequence[RegistryLogin], mark: str) -> bytes | None:
    """Seal the registries of a deployment so that this agent alone reads them; stored, and returned.

    `mark` stands for what they were opened from. None for an agent that has no key: it gets them as they are.
    """
    return sealed_values.store_logins(agent_id=agent_id, deployment_id=deployment_id, logins=logins, mark=mark)


def sealed_logins_for(*, agent_id: UUID, deployment_id: UUID, mark: str) -> bytes | None:
    """Return the registries of this mark as they were sealed to the agent's present key; None where they were not."""
    return sealed_values.find_logins(agent_id=agent_id, deployment_id=deployment_id, mark=mark)


def forget_values(*, deployment_id: UUID) -> None:
    """Delete what was sealed of the deployment to agents."""
    sealed_values.forget(deployment_id=deployment_id)


def withdraw(*, deployment_id: UUID) -> int:
    """Take back the deployment's commands that were never written to an agent; returns how many.

    0 means that there was none or that an agent may hold it already: then a RevertCommand is the way.
    """
    return commands.withdraw(deployment_id=deployment_id)


def find(*, command_id: UUID) -> CommandData:
    """Return the command as stored. Raises CommandNotFound."""
    return commands.get(command_id=command_id)


def is_known(command_id: UUID) -> bool:
    """Tell whether the command is in the ledger."""
    return commands.is_known(command_id=command_id)


def only_builds(*, agent_id: UUID, deployment_id: UUID) -> bool:
    """Tell whether all that this agent's server was ever ordered of the deployment is to build its images."""
    return assignments.only_builds(agent_id=agent_id, deployment_id=deployment_id)


def accept_report(*, command_id: UUID, number: int, agent_id: UUID | None = None) -> ReportVerdict:
    """Lock the command's row and judge the report's number; on FRESH the number is stored as seen.

    Must be called inside the transaction that applies the report: both are kept or neither. The transport has
    checked that the agent owns the command; with `agent_id` this is checked again. Raises CommandNotFound.
    """
    return commands.accept_report(command_id=command_id, number=number, agent_id=agent_id)


def accept_usual_reports(*, command_id: UUID, first: int, last: int, agent_id: UUID | None = None) -> bool:
    """Store the numbers of reports that follow each other and what is stored, of an open command that is acknowledged.

    One statement. False, and nothing is stored, where it is not so: `accept_report` judges each then.
    """
    return commands.accept_run(command_id=command_id, first=first, last=last, agent_id=agent_id)


def finish(*, command_id: UUID) -> bool:
    """Close the command, so that it is never sent again; False when it was closed before.

    Call it in the transaction that stores the outcome, or when nobody waits for the command any more.
    """
    return commands.finish(command_id=command_id)


def renew_ledger() -> UUID:
    """Give the ledger another name: every agent asks before it goes on with anything. Returns it."""
    return ledger.renew()


def finish_unasked_reverts() -> int:
    """Close every open order to go back that nobody asked for; returns how many. Inside a transaction."""
    return commands.finish_unasked_reverts()


def announce_retention(*, target_id: UUID) -> None:
    """Tell the agents of this server or cluster, on the caller's commit, that history keeps something else.

    After a success nobody needs to call this: the gateway looks by itself.
    """
    gateways.announce_retention(target_id=target_id)


def announce_runs_to_stop(*, agent_id: UUID) -> None:
    """Have the agent told, on commit, by the gateway that it is connected to, which runs on its host shall end."""
    gateways.announce_runs_to_stop(agent_id=agent_id)


def announce_log_request(*, agent_id: UUID, request_id: UUID) -> None:
    """Have the agent asked for logs by the gateway that it is connected to, on commit; nothing is stored.

    Where that gets lost nobody answers: the caller waits with a deadline.
    """
    gateways.announce_log_request(agent_id=agent_id, request_id=request_id)


def host_inventory(*, agent_id: UUID) -> HostInventory | None:
    """Return what the agent's host lacks of what history needs; None for an unknown agent and until it has looked."""
    return agents.inventory(agent_id=agent_id)


def missing_images(*, agent_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """Return by agent which images that history needs its host lacks; agents that have not looked are left out."""
    return agents.missing_images(agent_ids=agent_ids)


def may_see(*, agent_id: UUID, deployment_id: UUID) -> bool:
    """Tell whether this agent's server was ever given a command of the deployment: it may fetch what belongs to it."""
    return assignments.holds(agent_id=agent_id, deployment_id=deployment_id)


def lane_deployments(*, agent_id: UUID, lane: str) -> tuple[tuple[UUID, ...], UUID | None]:
    """Return the deployments with an unfinished command for the agent's server in the lane, and the last one before."""
    return assignments.lane_deployments(agent_id=agent_id, lane=lane)


def agents_running(*, lane: str) -> tuple[UUID, ...]:
    """Return the active agents of the servers whose last order of the lane was to run something, the latest first."""
    return assignments.agents_running(lane=lane)


def open_deployments(*, agent_id: UUID) -> tuple[UUID, ...]:
    """Return the deployments of which this agent has an unfinished command: what it may build."""
    return assignments.open_deployments(agent_id=agent_id)


def servers_online(*, server_ids: Collection[UUID]) -> tuple[UUID, ...]:
    """Return which of these servers have an agent that is there now."""
    return agents.servers_online(server_ids=server_ids)


def forget_commands(*, deployment_id: UUID) -> int:
    """Delete the deployment's sealed values and closed commands, but for a lane's highest number; returns how many."""
    sealed_values.forget(deployment_id=deployment_id)
    return closed_commands.forget(deployment_id=deployment_id)


def certificates_end(*, agent_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return for each of these agents that has certificates when the one that lasts the longest ends."""
    return authorities.ends(agent_ids=agent_ids) if agent_ids else {}


def forget_volume_commands(*, before: datetime, limit: int) -> int:
    """Delete closed orders to delete volumes that were given before then, but for a lane's highest number.

    At most `limit`; returns how many.
    """
    return closed_commands.forget_of_volumes(before=before, limit=limit)


def forget_tokens(*, older_than: timedelta, limit: int) -> int:
    """Delete enrolment tokens that were over for so long, at most `limit`; returns how many."""
    return tokens.forget(older_than=older_than, limit=limit)


def deployments_unheard_for(*, silence: timedelta) -> tuple[UUID, ...]:
    """Return the deployments with an open command whose agent was not heard for this long while a gateway listened."""
    return gateways.deployments_unheard_for(silence=silence)
