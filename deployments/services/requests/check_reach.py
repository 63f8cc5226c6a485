"""Have external nodes tried from the server that a project runs on: whether something accepts a connection there.

Only for whoever may deploy the project to that server, only the addresses of external nodes in its newest graph, a few
times a minute, and the agent refuses what no container of a deployment could reach: so nobody learns more of a
server's network than by deploying.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from agents import gateway
from agents.command_types import EndpointReached
from agents.contracts.version import REACH_PROTOCOL
from agents.limits import MAX_ENDPOINTS
from agents.services import directory
from agents.states import CommandOutcome, Presence
from agents.types import CheckReachCommand, CommandFinished, Endpoint, Report, Verdict
from agents.wording.sentences import sentence
from deployments import live_updates
from deployments.data.reach_types import ReachLine, ReachRecord, ReachState
from deployments.errors import Conflict, Invalid, NotFound, TooMuch
from deployments.limits import rate_limit
from deployments.repositories.observation import reach_checks
from deployments.services.lifecycle import command_ids, unanswered
from deployments.services.permissions import access, server_rights, target_agents
from deployments.services.projects import graph_source
from deployments.types import Caller, Right, Target, TargetKind
from stackgen.graph.endpoints import endpoints_elsewhere
from stackgen.graph.reader import read_graph

# How long an agent may take, before nobody waits for it any more.
WAIT = timedelta(minutes=2)
RATE = "6/min"
BATCH = 100
OVERDUE = "ends of overdue reach checks"
NOT_SENT = "The server's agent did not pick up the command within 2 minutes; nothing was tried."
NO_WORD = "The server's agent did not report the outcome within 2 minutes."


def check_reach(
    *, caller: Caller, project_id: UUID, target: Target, check_id: UUID, nodes: Sequence[str] = ()
) -> ReachRecord:
    """Order the target's agent to try the external nodes of the newest graph, or those with these ids or names.

    Opens its own transaction. Raises NotFound, Forbidden (also for a server that the project was not granted), Invalid
    without such a node, TooMuch, or Conflict while another check is pending or the agent cannot do it.
    """
    project = access.project_to_deploy(caller=caller, project_id=project_id)
    server_rights.sides_given_by_use(caller=caller, project=project, target=target)
    lines = _chosen(project_id, nodes)
    if wait := rate_limit.hit(what="reach", who=str(caller.user_id), rate=RATE, now=time.time()):
        raise TooMuch(
            sentence("Checks of external nodes: {rate} for each user. Try again in {wait} s.", rate=RATE, wait=wait)
        )
    agent_id, server_id, server_name = _agent_of(target)
    try:
        with transaction.atomic():
            stored = reach_checks.add(
                check_id=check_id,
                project_id=project_id,
                server_id=server_id,
                server_name=server_name,
                lines=lines,
                caller=caller,
                wait=WAIT,
            )
            endpoints = tuple(Endpoint(node_id=each.node_id, host=each.host, port=each.port) for each in lines)
            gateway.send(
                command_id=command_ids.check_reach_command_id(check_id),
                agent_id=agent_id,
                # Of its own, so that it does not wait for a deployment.
                lane=f"reach:{project_id}@{server_id}",
                deployment_id=check_id,
                project_id=project_id,
                command=CheckReachCommand(endpoints=endpoints),
            )
            transaction.on_commit(lambda: live_updates.wake_projects([project_id]))
    except IntegrityError as error:
        raise Conflict(sentence("External nodes are being checked from this server already.")) from error
    return stored


def list_checks(*, caller: Caller, project_id: UUID) -> tuple[ReachRecord, ...]:
    """Return the newest checks of the project, newest first. Raises NotFound for strangers."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return reach_checks.newest(project_id=project_id)


def get_check(*, caller: Caller, project_id: UUID, check_id: UUID) -> ReachRecord:
    """Return one check. Raises NotFound, also for strangers."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    found = reach_checks.find(project_id=project_id, check_id=check_id)
    if found is None:
        raise NotFound(sentence("No such check."))
    return found


def external_nodes(*, caller: Caller, project_id: UUID) -> tuple[ReachLine, ...]:
    """Return the external nodes of the newest graph, none without a graph. Raises NotFound for strangers."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    try:
        return _drawn(project_id)
    except Invalid:
        return ()


def _drawn(project_id: UUID) -> tuple[ReachLine, ...]:
    graph, _ = read_graph(graph_source.stored(project_id=project_id).graph.graph)
    return tuple(
        ReachLine(node_id=each.node_id, name=each.label, host=each.host, port=each.port)
        for each in endpoints_elsewhere(graph)
    )


def _chosen(project_id: UUID, nodes: Sequence[str]) -> tuple[ReachLine, ...]:
    drawn = _drawn(project_id)
    unknown = sorted(set(nodes) - {name for line in drawn for name in (line.node_id, line.name)})
    if unknown:
        raise Invalid(
            sentence("No external node is called {unknown!r}.", unknown=unknown[0]),
            details={"nodes": sentence("not an external node")},
        )
    chosen = tuple(line for line in drawn if not nodes or {line.node_id, line.name} & set(nodes))
    if not chosen:
        raise Invalid(
            sentence("The project's graph has no external node."), details={"nodes": sentence("none is external")}
        )
    if len(chosen) > MAX_ENDPOINTS:
        many = f"at most {MAX_ENDPOINTS}"
        raise Invalid(
            sentence("Of the external nodes {many} can be tried at once; name some.", many=many),
            details={"nodes": many},
        )
    return chosen


def _agent_of(target: Target) -> tuple[UUID, UUID, str]:
    """Return the agent that can do it, and its server with its name; of a cluster that of a manager."""
    server_id = target_agents.manager_of(target).server_id if target.kind is TargetKind.CLUSTER else target.id
    agent = directory.agents_of_servers(server_ids=[server_id]).get(server_id)
    if agent is None or agent.presence is not Presence.ONLINE:
        raise Conflict(sentence("The server's agent is not connected, so nothing can be tried from there."))
    if agent.protocol < REACH_PROTOCOL:
        raise Conflict(sentence("The server's agent is too old to try external nodes. Bring it up to date."))
    return agent.id, server_id, directory.get_server(server_id=server_id).name


def is_of_a_check(*, command_id: UUID) -> bool:
    """Tell whether an order of the ledger is one to try external nodes: its id is the wish's."""
    return reach_checks.exists(check_id=command_id)


def apply_report(*, report: Report, at: datetime) -> int:
    """Store what the agent says of a check; return the highest stored number of its command.

    Opens its own transaction. Only the last report counts, and it counts also when it comes late.
    """
    with transaction.atomic():
        check = reach_checks.get_locked(check_id=report.command_id)
        verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
        said = report.body
        if check is None or verdict.verdict is not Verdict.FRESH or not isinstance(said, CommandFinished):
            return verdict.last_number
        gateway.finish(command_id=report.command_id)
        done = said.outcome is CommandOutcome.SUCCEEDED
        reach_checks.end(
            check_id=check.id,
            state=ReachState.DONE if done else ReachState.REFUSED,
            message=said.message,
            lines=_with_outcomes(check.lines, said.endpoints),
            at=at,
        )
        transaction.on_commit(lambda: live_updates.wake_projects([check.project_id]))
    return verdict.last_number


def _with_outcomes(lines: Sequence[ReachLine], told: Sequence[EndpointReached]) -> tuple[ReachLine, ...]:
    """Return the lines that were asked for with what was told of them, and nothing else that was told."""
    by_node = {each.node_id: each for each in told}
    return tuple(
        replace(line, outcome=found.outcome, message=found.message, milliseconds=found.milliseconds)
        if (found := by_node.get(line.node_id))
        else line
        for line in lines
    )


def end_as_unknown(*, command_id: UUID, at: datetime) -> None:
    """End a wish of which nobody can know what became. Opens its own transaction."""
    with transaction.atomic():
        _end_overdue(command_id, at=at, withdraw=False)


def expire(*, at: datetime) -> int:
    """End wishes whose agent never answered; returns how many. What was never sent is taken back."""
    overdue = reach_checks.overdue(limit=BATCH)
    return unanswered.end_each(overdue, loop=OVERDUE, end=lambda each: _end_overdue(each, at=at, withdraw=True))


def _end_overdue(check_id: UUID, *, at: datetime, withdraw: bool) -> int:
    check = reach_checks.get_locked(check_id=check_id)
    if check is None or check.state is not ReachState.PENDING:
        return 0
    taken_back = unanswered.take_back(order_id=check_id, withdraw=withdraw)
    state = ReachState.REFUSED if taken_back else ReachState.UNKNOWN
    reach_checks.end(check_id=check_id, state=state, message=NOT_SENT if taken_back else NO_WORD, at=at)
    return 1
