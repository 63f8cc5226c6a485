"""Changes of clusters go on: one at a time per cluster, step by step, each step one command or a word that is awaited.

Whatever happens (a wish, a report, another word of an engine, time) calls `go_on`; under the cluster's lock it looks at
what is stored and does what is next. A process that dies in between leaves a step that is not sent, or one whose
command is in the ledger: the next call goes on from there, with the same ids.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from agents import gateway
from agents.contracts.version import CLUSTERS_PROTOCOL
from agents.errors import AgentNotFound, CommandNotFound
from agents.isolation import isolation
from agents.services import clusters, directory
from agents.states import CommandOutcome, Presence
from agents.swarm import ManagerAgent
from agents.types import AgentData, CommandFinished, Report, SwarmCommand, Verdict
from deployments.data.cluster_types import OWN_STEPS, ChangeKind, ChangeRecord, ChangeState, Step
from deployments.repositories.clusters import cluster_changes
from deployments.services.lifecycle import command_ids

# For each step: what an engine takes for it, and an agent that is just coming back.
WAIT = timedelta(minutes=5)
BATCH = 100
# Within one call: a change has at most three steps, and what waits behind it may be refused at once.
MAX_STEPS = 100
OVERDUE = "ends of overdue changes of clusters"
NOT_SENT = "No agent took it within 5 minutes; nothing was changed."
NO_WORD = "Its agent did not report the outcome within 5 minutes; a late report still counts."
NOT_FORMED = "The Swarm was not formed, so nothing can join it."
AVAILABILITY = {ChangeKind.DRAIN: "drain", ChangeKind.ACTIVATE: "active"}
ROLE = {ChangeKind.PROMOTE: "manager", ChangeKind.DEMOTE: "worker"}

logger = structlog.get_logger(__name__)


def lane_of_cluster(cluster_id: UUID) -> str:
    """Return the lane of the ledger in which a cluster's own commands go; projects have others."""
    return f"cluster:{cluster_id}"


def go_on(*, cluster_id: UUID, at: datetime) -> None:
    """Do what is next for the cluster. Opens a transaction, or is part of the caller's; takes the cluster's lock."""
    with transaction.atomic():
        cluster_changes.lock(cluster_id=cluster_id)
        for _ in range(MAX_STEPS):
            ahead = cluster_changes.open_changes(cluster_id=cluster_id)
            if not ahead or not _advance(ahead[0], at=at):
                return


def _advance(change: ChangeRecord, *, at: datetime) -> bool:
    """Move the first open change on; True when another look is worth it."""
    if change.state is ChangeState.WAITING:
        if change.kind is ChangeKind.JOIN and directory.get_cluster(cluster_id=change.cluster_id).swarm_id is None:
            cluster_changes.end(change_id=change.id, state=ChangeState.REFUSED, message=NOT_FORMED, at=at)
        else:
            cluster_changes.begin(change_id=change.id, step=0, wait=WAIT)
        return True
    if change.current is Step.CONFIRM:
        return _confirm(change, at=at)
    if not change.sent:
        why = _send(change)
        cluster_changes.note(change_id=change.id, sent=not why, message=f"Waits: {why}" if why else "")
    return False


def _confirm(change: ChangeRecord, *, at: datetime) -> bool:
    """End a join once a manager lists the node as ready: the engine's own word does not prove which swarm it is in."""
    nodes, _ = clusters.nodes_of(cluster_id=change.cluster_id)
    if not any(each.id == change.node_id and each.is_ready for each in nodes):
        return False
    _done(change, at=at)
    return True


def _send(change: ChangeRecord) -> str:
    """Store the command of this step for the agent whose turn it is; return why not, empty when it is stored."""
    agent, why = _agent_for(change)
    if agent is None:
        return why
    gateway.send(
        command_id=command_ids.swarm_command_id(change.id, step=change.step),
        agent_id=agent,
        lane=lane_of_cluster(change.cluster_id),
        deployment_id=change.id,
        project_id=change.cluster_id,
        command=_command(change),
    )
    return ""


def _agent_for(change: ChangeRecord) -> tuple[UUID | None, str]:
    if change.current in OWN_STEPS:
        return _own_agent(change)
    if why := clusters.why_no_manager(cluster_id=change.cluster_id):
        return None, why
    if manager := manager_for(change):
        return manager.agent_id, ""
    return None, "No agent of another manager is connected that can do this."


def manager_for(change: ChangeRecord, *, but: UUID | None = None) -> ManagerAgent | None:
    """Return the first manager's agent that can do the present step now; `but` not this one."""
    for manager in clusters.manager_agents(cluster_id=change.cluster_id):
        able = manager.connected and manager.control_available and manager.protocol >= CLUSTERS_PROTOCOL
        # A node is not taken out, or made a worker, by itself.
        own = change.current in (Step.DEMOTE, Step.REMOVE) and manager.node_id == change.node_id
        if able and not own and manager.agent_id != but:
            return manager
    return None


def _own_agent(change: ChangeRecord) -> tuple[UUID | None, str]:
    try:
        agent: AgentData = directory.agent_for_server(server_id=change.server_id or UUID(int=0))
    except AgentNotFound:
        return None, f"{change.server_name} has no agent."
    if agent.presence is not Presence.ONLINE:
        return None, f"The agent of {change.server_name} is not connected."
    if agent.protocol < CLUSTERS_PROTOCOL:
        return None, f"The agent of {change.server_name} is too old for this. Bring it up to date."
    return agent.id, ""


def _command(change: ChangeRecord) -> SwarmCommand:
    step = change.current
    if step is Step.JOIN:
        addresses = clusters.manager_addresses(cluster_id=change.cluster_id)
        return SwarmCommand(action="join", advertise_address=change.address, manager_addresses=addresses)
    if step in (Step.DEMOTE, Step.UPDATE):
        return SwarmCommand(
            action="update",
            node_id=change.node_id,
            role="worker" if step is Step.DEMOTE else ROLE.get(change.kind, ""),
            availability="" if step is Step.DEMOTE else AVAILABILITY.get(change.kind, ""),
        )
    if step in (Step.LEAVE, Step.END):
        return SwarmCommand(action="leave", force=step is Step.END)
    return SwarmCommand(action=str(step), advertise_address=change.address, role=change.role, node_id=change.node_id)


def swarm_told(*, server_id: UUID, at: datetime) -> None:
    """Go on with the changes that a new word of this server's engine may concern. Opens its own transactions."""
    for cluster_id in cluster_changes.clusters_waiting_for(server_id=server_id):
        go_on(cluster_id=cluster_id, at=at)


def is_change(*, change_id: UUID) -> bool:
    """Tell whether a command's deployment is a change of a cluster instead."""
    return cluster_changes.find(change_id=change_id) is not None


def apply_report(*, report: Report, at: datetime) -> int:
    """Store what an agent says of a step and go on; return the highest stored number of its command.

    Opens its own transaction. Only last reports count; one that comes late settles a change that is unknown.
    """
    known = cluster_changes.find(change_id=report.deployment_id)
    with transaction.atomic():
        if known is not None:
            cluster_changes.lock(cluster_id=known.cluster_id)
        verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
        change = cluster_changes.find(change_id=report.deployment_id)
        if change is None or verdict.verdict is not Verdict.FRESH or not isinstance(report.body, CommandFinished):
            return verdict.last_number
        gateway.finish(command_id=report.command_id)
        if report.command_id == command_ids.swarm_command_id(change.id, step=change.step):
            _ended(change, report.body, at=at)
        go_on(cluster_id=change.cluster_id, at=at)
    return verdict.last_number


def _ended(change: ChangeRecord, said: CommandFinished, *, at: datetime) -> None:
    """Take the end of the present step for what it is."""
    if change.state not in (ChangeState.WORKING, ChangeState.UNKNOWN):
        return
    if said.outcome is not CommandOutcome.SUCCEEDED:
        message = said.message or "The agent does not say why it was not done."
        message = f"{message} {_handed_on(change)}".rstrip()
        cluster_changes.end(change_id=change.id, state=ChangeState.REFUSED, message=message, at=at)
        return
    if why := _take_effect(change, said):
        cluster_changes.end(change_id=change.id, state=ChangeState.REFUSED, message=why, at=at)
    elif change.step + 1 >= len(change.steps):
        _done(change, at=at)
    elif not _may_go_on(change):
        message = "The step was done, but another change has begun since: look at the nodes, then ask again."
        cluster_changes.end(change_id=change.id, state=ChangeState.UNKNOWN, message=message, at=at)
    else:
        cluster_changes.begin(change_id=change.id, step=change.step + 1, wait=WAIT)


def _may_go_on(change: ChangeRecord) -> bool:
    at_work = [each for each in cluster_changes.open_changes(cluster_id=change.cluster_id) if each.id != change.id]
    return not any(each.state is ChangeState.WORKING for each in at_work)


def _take_effect(change: ChangeRecord, said: CommandFinished) -> str:
    """Store what a step that succeeded means for the cluster; return why it cannot be so, empty when it is."""
    if change.current is Step.INIT:
        if not said.swarm_id or not clusters.bind(cluster_id=change.cluster_id, swarm_id=said.swarm_id):
            return "The Swarm that the agent made cannot be this cluster's: it is another cluster's, or has no id."
        _set_cluster(change, change.cluster_id)
    if change.current is Step.JOIN:
        # The token has done its part.
        cluster_changes.note(change_id=change.id, node_id=said.swarm_node_id, sealed_token="")
    if change.current in (Step.LEAVE, Step.END):
        _set_cluster(change, None)
    if change.current is Step.END:
        clusters.unbind(cluster_id=change.cluster_id)
    return ""


def _done(change: ChangeRecord, *, at: datetime) -> None:
    if change.kind is ChangeKind.JOIN:
        _set_cluster(change, change.cluster_id)
    if change.kind is ChangeKind.REMOVE:
        _set_cluster(change, None)
    cluster_changes.end(change_id=change.id, state=ChangeState.DONE, message=_handed_on(change), at=at)
    logger.info("cluster changed", cluster_id=str(change.cluster_id), kind=change.kind, server=change.server_name)


def _handed_on(change: ChangeRecord) -> str:
    """Return that another manager's agent took the step over; empty when none did."""
    return change.message if change.sent else ""


def _set_cluster(change: ChangeRecord, cluster_id: UUID | None) -> None:
    if change.server_id is not None:
        clusters.set_cluster(server_id=change.server_id, cluster_id=cluster_id)


def expire(*, at: datetime) -> int:
    """End steps that nobody finished in time, and go on with what waits; returns how many ended."""
    ended = 0
    for cluster_id in cluster_changes.clusters_with_open(limit=BATCH):
        with isolation(OVERDUE).item(cluster_id), transaction.atomic():
            cluster_changes.lock(cluster_id=cluster_id)
            for change in cluster_changes.open_changes(cluster_id=cluster_id)[:1]:
                if change.state is ChangeState.WORKING and cluster_changes.is_overdue(change_id=change.id):
                    _end_overdue(change, at=at)
                    ended += 1
            go_on(cluster_id=cluster_id, at=at)
    return ended


def _end_overdue(change: ChangeRecord, *, at: datetime) -> None:
    state, message = ChangeState.UNKNOWN, f"{NO_WORD} {_handed_on(change)}".rstrip()
    if change.current is Step.CONFIRM:
        why = clusters.why_not_in_swarm(server_id=change.server_id or UUID(int=0), cluster_id=change.cluster_id)
        state, message = ChangeState.REFUSED, why or "No manager saw the node become ready within 5 minutes."
    elif not change.sent or gateway.withdraw(deployment_id=change.id):
        state = ChangeState.REFUSED
        message = f"{NOT_SENT} {change.message}".strip()
    cluster_changes.end(change_id=change.id, state=state, message=message, at=at)


def end_as_unknown(*, change_id: UUID, command_id: UUID, at: datetime) -> None:
    """End a change of which nobody can know what became, in a restored database. Opens its own transaction."""
    change = cluster_changes.find(change_id=change_id)
    if change is None:
        return
    with transaction.atomic():
        cluster_changes.lock(cluster_id=change.cluster_id)
        if change.is_open:
            cluster_changes.end(change_id=change_id, state=ChangeState.UNKNOWN, message=NO_WORD, at=at)
        try:
            gateway.finish(command_id=command_id)
        except CommandNotFound:
            logger.warning("command of a cluster's change is not in the ledger", command_id=str(command_id))
        go_on(cluster_id=change.cluster_id, at=at)


def forget_old(*, cluster_id: UUID) -> None:
    """Drop changes that ended long ago, with their commands. Inside a transaction that holds the cluster's lock."""
    old = cluster_changes.ended_beyond(cluster_id=cluster_id)
    for change_id in old:
        gateway.forget_commands(deployment_id=change_id)
    cluster_changes.forget(change_ids=old)
