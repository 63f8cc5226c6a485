"""Test a registry from a server: whether Docker there gets in, and whether images may be pushed. The agent is asked,
since what counts is how servers see the registry."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from agents import gateway
from agents.errors import AgentNotFound
from agents.services import directory
from agents.states import CommandOutcome, Presence
from agents.types import CheckRegistryCommand, CommandFinished, RegistryLogin, Report, Verdict
from agents.wording.sentences import sentence
from deployments.data.registry_types import CheckState, RegistryRecord
from deployments.errors import Conflict, NotFound
from deployments.repositories import clock
from deployments.repositories.registries import registry_rows
from deployments.services.fleet import machine_list
from deployments.services.lifecycle import command_ids, unanswered
from deployments.services.registries import logins, registries
from deployments.types import Caller

KIND = "check_registry"
WAIT = timedelta(minutes=2)
BATCH = 100
OVERDUE = "ends of overdue tests of registries"
NOT_SENT = "The server's agent did not take the test within 2 minutes; nothing was tried."
NO_WORD = "The server's agent did not report the outcome within 2 minutes."


def check_registry(*, caller: Caller, registry_id: UUID, server_id: UUID, check_id: UUID) -> RegistryRecord:
    """Order the agent of a server of the caller's to try the registry, which is handed its login for that.

    Opens its own transaction. Raises NotFound, Forbidden, or Conflict while it is tested, or the agent cannot.
    """
    registry = registries.registry_to_change(caller=caller, registry_id=registry_id)
    server = machine_list.get_server(caller=caller, server_id=server_id)
    agent_id = _agent_of(server_id)
    with transaction.atomic():
        if registry_rows.lock(registry_id=registry_id) is CheckState.PENDING:
            raise Conflict(sentence("The registry is being tested already."))
        columns = {"check_id": check_id, "check_state": CheckState.PENDING, "check_message": ""}
        columns |= {"check_server_name": server.name, "checked_at": clock.now()}
        registry_rows.change(registry_id=registry_id, columns=columns)
        gateway.send(
            command_id=command_ids.check_registry_command_id(check_id),
            agent_id=agent_id,
            # Of its own, so that it does not wait for a deployment.
            lane=f"registry:{registry_id}@{server_id}",
            deployment_id=check_id,
            project_id=registry_id,
            command=CheckRegistryCommand(address=registry.address, namespace=registry.namespace),
        )
    return registry_rows.find(caller=caller, registry_id=registry_id)


def _agent_of(server_id: UUID) -> UUID:
    try:
        agent = directory.agent_for_server(server_id=server_id)
    except AgentNotFound:
        raise Conflict(sentence("The server has no agent, so nothing can be tried from there.")) from None
    if agent.presence is not Presence.ONLINE:
        raise Conflict(sentence("The server's agent is not connected, so nothing can be tried from there."))
    if not directory.knows(agent_id=agent.id, kind=KIND):
        raise Conflict(sentence("The server's agent is too old to test registries. Bring it up to date."))
    return agent.id


def is_test(*, check_id: UUID) -> bool:
    """Tell whether an order of the ledger is the newest test of a registry: its id is that test's."""
    return registry_rows.of_check(check_id=check_id) is not None


def login_for_agent(*, check_id: UUID) -> tuple[RegistryLogin, ...]:
    """Return the login of the registry that is tested. Secret; the gateway has checked that the agent was asked."""
    tested = registry_rows.of_check(check_id=check_id)
    opened = None if tested is None else logins.open_login(tested)
    if opened is None or tested is None or tested.record.check_state is not CheckState.PENDING:
        raise NotFound(sentence("No such test."))
    return (logins.for_agent(opened),)


def apply_report(*, report: Report) -> int:
    """Store what the agent says of a test; return the highest stored number of its command.

    Opens its own transaction. Only the last report counts, also when it comes late.
    """
    with transaction.atomic():
        verdict = gateway.accept_report(command_id=report.command_id, number=report.number, agent_id=report.agent_id)
        said = report.body
        if verdict.verdict is not Verdict.FRESH or not isinstance(said, CommandFinished):
            return verdict.last_number
        gateway.finish(command_id=report.command_id)
        done = said.outcome is CommandOutcome.SUCCEEDED
        _end(report.command_id, CheckState.PASSED if done else CheckState.FAILED, said.message)
    return verdict.last_number


def end_as_unknown(*, check_id: UUID) -> None:
    """End a test of which nobody can know what became. Opens its own transaction."""
    with transaction.atomic():
        _end_overdue(check_id, withdraw=False)


def expire(*, at: datetime) -> int:
    """End tests that no agent answered; returns how many. What was never sent is taken back."""
    del at
    overdue = registry_rows.overdue_checks(before=clock.now() - WAIT, limit=BATCH)
    return unanswered.end_each(overdue, loop=OVERDUE, end=lambda each: _end_overdue(each, withdraw=True))


def _end_overdue(check_id: UUID, *, withdraw: bool) -> int:
    tested = registry_rows.of_check(check_id=check_id)
    if tested is None or tested.record.check_state is not CheckState.PENDING:
        return 0
    taken_back = unanswered.take_back(order_id=check_id, withdraw=withdraw)
    _end(check_id, CheckState.FAILED if taken_back else CheckState.UNKNOWN, NOT_SENT if taken_back else NO_WORD)
    return 1


def _end(check_id: UUID, state: CheckState, message: str) -> None:
    registry_rows.end_check(check_id=check_id, state=state, message=message, at=clock.now())
