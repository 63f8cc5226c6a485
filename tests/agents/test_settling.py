"""Both sides compare what they hold when they meet: over a real channel and a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from django.db import connection, transaction

from agents import gateway
from agents.contracts import runner_pb2
from agents.contracts.version import OBSERVING_PROTOCOL
from agents.hello import Instances, admit
from agents.models import Agent, CommandRecord, Server
from agents.repositories import ledger
from agents.repositories.payloads import from_json, to_json
from agents.services import enrolment
from agents.skipped_reports import SKIPPED
from agents.states import CommandKind, CommandOutcome, CommandStatus
from agents.transport.threads import DatabaseThreads
from agents.types import CommandData, CommandFinished, Registration, RevertCommand, Unknown
from tests import factories
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
    assert (welcome.protocol, welcome.lost_after_seconds) == (OBSERVING_PROTOCOL, 180)
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
    await again.welcomed(unfinished=(sent.id,), protocol=2)
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


# ---- a restored database ----


async def test_numbers_go_on_above_what_the_agent_knows(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed(highest_numbers={"lane": 13, "elsewhere": 5})
    (fate,) = domain.unknown
    assert (fate.command_id, fate.deployment_id) == (sent.id, sent.deployment_id)
    assert (await database.run(send, agent_id=agent.id)).number == 14


@pytest.mark.parametrize("asked", [True, False], ids=["by a person", "by nobody"])
async def test_an_order_to_go_back_that_a_person_gave_is_carried_out(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, *, asked: bool
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    order = await database.run(send_back, sent, keep_proven=not asked)
    await agent.welcomed(highest_numbers={"lane": 13})
    unknown = {fate.command_id for fate in domain.unknown}
    assert unknown == ({sent.id} if asked else {sent.id, order})


async def test_a_stack_that_the_ledger_does_not_know_is_told_on_the_servers_page(
    agent: FakeAgent, database: DatabaseThreads
) -> None:
    strange = runner_pb2.StackState(stack_name="shop", lane="x", current_deployment_id=str(uuid4()))
    await agent.welcomed(stacks=[strange])
    assert "shop" in await database.run(trouble_of, agent.id)
    await agent.leave()
    await agent.welcomed()
    assert await database.run(trouble_of, agent.id) == ""


@pytest.mark.parametrize("known", ["current", "unfinished"])
async def test_what_the_agent_holds_or_works_on_is_not_unknown(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, known: str
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    stack = runner_pb2.StackState(stack_name="s", lane="lane", current_deployment_id=str(sent.deployment_id))
    said: dict[str, Any] = {"stacks": [stack]} if known == "current" else {"unfinished": (sent.id,)}
    await agent.welcomed(highest_numbers={"lane": 13}, **said)
    assert domain.unknown == []


async def test_a_number_that_was_used_before_is_replaced(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    """The restored ledger gave a number that the agent knows from before: it is sent again with another one."""
    await agent.welcomed(highest_numbers={"lane": 1})
    sent = await database.run(send, agent_id=agent.id)
    await database.run(give_number, sent, 1)
    first = await agent.command()
    await agent.acknowledge(first, refusal="stale_number")
    second = await agent.command()
    assert (second.command_id, second.number) == (first.command_id, 2)
    assert domain.applied == []


async def test_a_number_that_was_never_used_before_is_refused_as_it_is(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    """The agent cannot know it from an earlier state of the ledger, so another one would be refused as well."""
    await agent.welcomed()
    sent = await database.run(send, agent_id=agent.id)
    await agent.acknowledge(await agent.command(), refusal="stale_number")

    async def refused() -> bool:
        return (await database.run(stored, sent)).status == CommandStatus.REFUSED

    await eventually(refused)
    assert [report.command_id for report in domain.applied] == [sent.id]


def test_an_agent_speaks_for_the_lanes_of_its_own_server_alone(registered: Registration, server: Server) -> None:
    other = enrol(factories.make_server(server.owner, name="server-2"))
    send(agent_id=other.agent_id, lane="theirs")
    with transaction.atomic():
        told = {"theirs": 99, "x": 2**60, "y" * 201: 1, "mine": 3}
        assert ledger.raise_floors(agent_id=registered.agent_id, highest=told) == ("mine",)
    assert send(agent_id=other.agent_id, lane="theirs").number == 2


# ---- two machines with one credential ----


def test_who_comes_back_was_alive_and_the_second_stays_out() -> None:
    def step(known: Instances, name: str, *, after: float = 1, heard: bool = True) -> Instances | None:
        return admit(known, instance_id=name, now=NOW + timedelta(seconds=after), heard_lately=heard)

    first = step(Instances(), "a")
    assert first is not None
    restarted = step(first, "b")
    assert restarted is not None
    assert restarted.present == "b"
    back = step(restarted, "a", after=2)
    assert back is not None
    assert (back.present, back.refused) == ("a", "b")
    assert step(back, "b") is None
    late = step(back, "b", heard=False)
    assert late is not None
    assert late.present == "b"
    again = step(restarted, "a", after=3600)
    assert again is not None
    assert again.refused == ""


async def test_a_clone_gets_no_work_and_is_told_so(
    agent: FakeAgent, channel: grpc.aio.Channel, registered: Registration, database: DatabaseThreads
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed(instance_id="a", journal_id="j")
    await agent.acknowledge(await agent.command())

    async def acknowledged() -> bool:
        return (await database.run(stored, sent)).status == CommandStatus.ACKNOWLEDGED

    await eventually(acknowledged)
    clone = FakeAgent(channel=channel, registered=registered)
    await clone.welcomed(instance_id="b", journal_id="j")
    with pytest.raises(TimeoutError):
        await clone.read(within=1)
    await agent.leave()
    await agent.welcomed(instance_id="a", journal_id="j", unfinished=(sent.id,))
    assert await clone.ended_with() is grpc.StatusCode.ABORTED
    call = await clone.connect(instance_id="b", journal_id="j")
    assert await clone.ended_with() is grpc.StatusCode.FAILED_PRECONDITION
    assert "Two machines" in await call.details()
    assert "Two machines" in await database.run(trouble_of, agent.id)
    await clone.leave()
