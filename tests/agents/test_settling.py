"""Both sides compare what they hold when they meet: over a real channel and a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from django.db import connection, transaction

from agents import gateway
from agents.contracts import runner_pb2
from agents.contracts.version import PROTOCOL
from agents.models import Agent, CommandRecord, Server
from agents.reports.skipped_reports import SKIPPED
from agents.repositories import ledger
from agents.repositories.payloads import from_json, to_json
from agents.services import enrolment
from agents.states import CommandKind, CommandOutcome, CommandStatus
from agents.transport.threads import DatabaseThreads
from agents.types import CommandData, CommandFinished, Registration, RevertCommand, Unknown
from tests.agents.conftest import enrol
from tests.agents.doubles import Domain, FakeAgent, deploy, eventually, send

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def stored(command: CommandData) -> CommandRecord:
    try:
        return CommandRecord.objects.get(pk=command.id)
    finally:
        connection.close()


def trouble_of(agent_id: UUID) -> str:
    try:
        return Agent.objects.values_list("trouble", flat=True).get(pk=agent_id)
    finally:
        connection.close()


def give_number(command: CommandData, number: int) -> None:
    CommandRecord.objects.filter(pk=command.id).update(number=number)
    connection.close()


def send_stop(*, agent_id: UUID) -> CommandData:
    with transaction.atomic():
        return gateway.send(
            command_id=uuid4(),
            agent_id=agent_id,
            lane="stops",
            deployment_id=uuid4(),
            project_id=uuid4(),
            command=deploy(services=()),
        )


def send_back(after: CommandData, *, keep_proven: bool) -> UUID:
    order = RevertCommand(stack_name="s", keep_proven=keep_proven)
    with transaction.atomic():
        gateway.send_revert(command_id=(command_id := uuid4()), after=after, command=order)
    return command_id


async def test_the_welcome_names_the_ledger_and_says_how_long_silence_may_last(
    agent: FakeAgent, database: DatabaseThreads
) -> None:
    welcome = await agent.welcomed()
    assert (welcome.protocol, welcome.lost_after_seconds) == (PROTOCOL, 180)
    assert welcome.ledger_incarnation == str(await database.run(ledger.incarnation))
    await agent.leave()
    renewed = await database.run(ledger.renew)
    assert (await agent.welcomed()).ledger_incarnation == str(renewed) != welcome.ledger_incarnation


async def test_a_command_says_which_of_its_reports_are_stored(agent: FakeAgent, database: DatabaseThreads) -> None:
    """An agent that lost its journal goes on from there, and what it reports counts."""
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed(journal_id="one", instance_id="a")
    await agent.acknowledge(await agent.command())
    for number in (1, 2, 3):
        await agent.report(command_id=sent.id, deployment_id=sent.deployment_id, number=number)
    while await agent.stored() < 3:
        pass
    await agent.leave()
    await agent.welcomed(journal_id="two", instance_id="a")
    assert (await agent.command()).last_report_number == 3


# ---- what only one side knows passes by ----


async def test_what_a_newer_agent_says_passes_by(agent: FakeAgent, database: DatabaseThreads, domain: Domain) -> None:
    sent = await database.run(send, agent_id=agent.id)
    ids: dict[str, Any] = {"command_id": str(sent.id), "deployment_id": str(sent.deployment_id), "at_ms": 1}
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    before = sum(SKIPPED.recent().values())
    unknown: Any = 77
    end = runner_pb2.CommandFinished(outcome=unknown, message="so")
    # A body of field 99, a stage 77, and then the end with an outcome 77.
    newer = runner_pb2.Report.FromString(
        runner_pb2.Report(number=1, **ids).SerializeToString() + b"\x9a\x06\x02\x08\x01"
    )
    await agent.say(newer)
    await agent.say(runner_pb2.Report(number=2, stage=runner_pb2.StageReached(stage=unknown, percent=50), **ids))
    await agent.say(runner_pb2.Report(number=3, finished=end, **ids))
    while await agent.stored() < 3:
        pass
    assert [type(each.body) for each in domain.applied] == [Unknown, Unknown, CommandFinished]
    last = domain.applied[-1].body
    assert isinstance(last, CommandFinished)
    assert (last.outcome, last.reason) == (CommandOutcome.FAILED, "internal")
    assert "does not know" in last.message
    assert sum(SKIPPED.recent().values()) == before + 2


async def test_an_unknown_kind_of_message_ends_nothing(agent: FakeAgent, database: DatabaseThreads) -> None:
    await agent.welcomed()
    await agent.write_raw(b"\x9a\x06\x02\x08\x01")
    sent = await database.run(send, agent_id=agent.id)
    assert (await agent.command()).command_id == str(sent.id)


@pytest.mark.parametrize("kinds", [{"deploy": 1, "revert": 1}, {}])
async def test_what_the_agent_does_not_understand_fails_and_is_not_sent(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, kinds: dict[str, int]
) -> None:
    await agent.welcomed(commands=kinds)
    stop = await database.run(send_stop, agent_id=agent.id)
    other = await database.run(send, agent_id=agent.id)
    assert (await agent.command()).command_id == str(other.id)

    async def refused() -> bool:
        return (await database.run(stored, stop)).status == CommandStatus.REFUSED

    await eventually(refused)
    (report,) = domain.applied
    assert isinstance(report.body, CommandFinished)
    assert "bring the agent up to date" in report.body.message


def test_stored_commands_of_another_version_are_read() -> None:
    payload = to_json(deploy())
    newer = {**payload, "cuddle": 1, "services": [{**each, "mood": "x"} for each in payload["services"]]}
    assert from_json(kind=CommandKind.DEPLOY, payload=newer) == deploy()
    del newer["services"][0]["starts_first"], newer["pinned_images"]
    assert from_json(kind=CommandKind.DEPLOY, payload=newer) == deploy()
    del newer["services"][0]["depends_on"], newer["variable_names"]
    services = (replace(deploy().services[0], depends_on=()),)
    assert from_json(kind=CommandKind.DEPLOY, payload=newer) == deploy(services=services, variable_names=())


# ---- reports that nobody waits for ----


async def test_reports_of_a_command_that_is_not_here_are_forgotten(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    await agent.welcomed()
    unknown = uuid4()
    for number in (7, 8):
        await agent.report(command_id=unknown, deployment_id=uuid4(), number=number)
    while await agent.stored() < 8:
        pass
    assert domain.applied == []


# ---- a new enrolment ----


async def test_a_new_agent_of_the_server_has_what_its_predecessor_left(
    agent: FakeAgent, server: Server, channel: grpc.aio.Channel, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    await agent.report(command_id=sent.id, deployment_id=sent.deployment_id, number=1)
    await agent.stored()
    await database.run(enrolment.revoke, agent_id=agent.id)
    await agent.leave()
    again = FakeAgent(channel=channel, registered=await database.run(enrol, server))
    assert again.id != agent.id
    # It tells of no ledger that it served under this name: its work waits for our word.
    await again.welcomed(unfinished=(sent.id,))
    assert (await again.command()).command_id == str(sent.id)
    await again.finish(command_id=sent.id, deployment_id=sent.deployment_id, number=2)
    assert await again.stored() == 2
    assert [report.number for report in domain.applied] == [1, 2]
    await again.leave()


def test_an_order_to_go_back_waits_for_who_is_enrolled_next(registered: Registration, server: Server) -> None:
    sent = send(agent_id=registered.agent_id)
    enrolment.revoke(agent_id=registered.agent_id)
    with transaction.atomic():
        assert not gateway.send_revert(command_id=uuid4(), after=sent, command=RevertCommand(stack_name="s"))
    again = enrol(server)
    found = CommandRecord.objects.order_by("number").values_list("kind", "agent_id")
    assert list(found) == [("deploy", again.agent_id), ("revert", again.agent_id)]
    with transaction.atomic():
        assert gateway.send_revert(command_id=uuid4(), after=sent, command=RevertCommand(stack_name="s"))
