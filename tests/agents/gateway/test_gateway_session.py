"""Commands down, reports up, over a real channel and a real database."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from agents import gateway
from agents.reports.skipped_reports import SKIPPED
from agents.services import enrolment
from agents.states import CommandOutcome, CommandStatus
from agents.transport.threads import DatabaseThreads
from agents.types import CommandData, CommandFinished, Registration
from tests.agents.doubles import Domain, FakeAgent, eventually, send

pytestmark = pytest.mark.django_db(transaction=True)


def status(command_id: UUID) -> CommandStatus:
    return gateway.find(command_id=command_id).status


async def has_status(database: DatabaseThreads, command: CommandData, wanted: CommandStatus) -> None:
    async def reached() -> bool:
        return await database.run(status, command.id) is wanted

    await eventually(reached)


async def test_a_queued_command_reaches_the_agent_and_is_acknowledged(
    agent: FakeAgent, database: DatabaseThreads
) -> None:
    assert (await agent.welcomed()).heartbeat_seconds == 5
    sent = await database.run(send, agent_id=agent.id)
    command = await agent.command()
    assert (command.command_id, command.number) == (str(sent.id), 1)
    assert command.deploy.files["docker-compose.yml"] == "services: {}\n"
    assert command.deploy.services[0].depends_on == ["db"]
    await agent.acknowledge(command)
    await has_status(database, sent, CommandStatus.ACKNOWLEDGED)


async def test_a_command_sent_while_nobody_was_connected_comes_after_the_welcome(
    agent: FakeAgent, database: DatabaseThreads
) -> None:
    sent = [await database.run(send, agent_id=agent.id) for _ in range(3)]
    await agent.welcomed()
    received = [(await agent.command()).command_id for _ in range(3)]
    assert received == [str(each.id) for each in sent]


async def test_the_notification_wakes_the_gateway_well_before_its_poll(
    agent: FakeAgent, database: DatabaseThreads
) -> None:
    await agent.welcomed()
    await asyncio.sleep(0.3)
    for _ in range(5):
        await database.run(send, agent_id=agent.id)
        await agent.command(within=0.25)


async def test_an_unacknowledged_command_is_sent_again_and_again_after_a_reconnect(
    agent: FakeAgent, database: DatabaseThreads
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.command()
    assert (await agent.command(within=8)).command_id == str(sent.id)
    await agent.leave()
    await agent.welcomed()
    assert (await agent.command(within=1)).command_id == str(sent.id)


async def test_after_a_reconnect_only_what_the_agent_lacks_is_sent(agent: FakeAgent, database: DatabaseThreads) -> None:
    held, lost = [await database.run(send, agent_id=agent.id) for _ in range(2)]
    await agent.welcomed()
    for each in (held, lost):
        await agent.acknowledge(await agent.command())
        await has_status(database, each, CommandStatus.ACKNOWLEDGED)
    await agent.leave()
    await agent.welcomed(unfinished=(held.id,))
    assert (await agent.command()).command_id == str(lost.id)
    with pytest.raises(TimeoutError):
        await agent.read(within=1.5)


async def test_a_withdrawn_command_is_never_delivered(agent: FakeAgent, database: DatabaseThreads) -> None:
    sent = await database.run(send, agent_id=agent.id)
    assert await database.run(gateway.withdraw, deployment_id=sent.deployment_id) == 1
    await agent.welcomed()
    with pytest.raises(TimeoutError):
        await agent.read(within=1.5)


async def test_reports_are_applied_once_in_order_and_acknowledged_after_the_commit(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    ids: dict[str, Any] = {"command_id": sent.id, "deployment_id": sent.deployment_id}
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    for number in (1, 2, 2, 3):
        await agent.report(**ids, number=number)
    await agent.finish(**ids, number=4)
    while await agent.stored() < 4:
        pass
    assert [report.number for report in domain.applied] == [1, 2, 3, 4]
    assert {report.agent_id for report in domain.applied} == {agent.id}
    assert await database.run(status, sent.id) is CommandStatus.FINISHED


async def test_a_gap_is_answered_with_the_last_stored_number(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    ids: dict[str, Any] = {"command_id": sent.id, "deployment_id": sent.deployment_id}
    await agent.welcomed()
    await agent.command()
    await agent.report(**ids, number=1)
    assert await agent.stored() == 1
    await agent.report(**ids, number=3)
    assert await agent.stored() == 1
    await agent.report(**ids, number=2)
    assert await agent.stored() == 2
    assert [report.number for report in domain.applied] == [1, 2]


async def test_a_refused_command_is_reported_as_failed_and_closed(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.acknowledge(await agent.command(), refusal="stale_number")
    await has_status(database, sent, CommandStatus.REFUSED)
    (report,) = domain.applied
    assert isinstance(report.body, CommandFinished)
    assert (report.body.outcome, report.body.reason) == (CommandOutcome.FAILED, "refused")


async def test_a_burst_of_reports_is_answered_cumulatively(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.command()
    for number in range(1, 401):
        await agent.report(command_id=sent.id, deployment_id=sent.deployment_id, number=number)
    answers = [await agent.stored()]
    while answers[-1] < 400:
        answers.append(await agent.stored())
    assert answers == sorted(answers)
    assert len(domain.applied) == 400


@pytest.mark.parametrize("stores_together", [True, False])
async def test_reports_that_wait_are_stored_together_or_else_one_by_one(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, stores_together: bool
) -> None:
    domain.takes_seconds = 0.3
    domain.together = [] if stores_together else None
    sent, others = [await database.run(send, agent_id=agent.id, lane=lane) for lane in ("one", "other")]
    await agent.welcomed()
    for _ in range(2):
        await agent.command()
    for number in range(1, 5):
        await agent.report(command_id=sent.id, deployment_id=sent.deployment_id, number=number)
    for number in range(1, 3):
        await agent.report(command_id=others.id, deployment_id=others.deployment_id, number=number)
    while len(domain.applied) < 6:
        await agent.stored()
    told = [(report.command_id, report.number) for report in domain.applied]
    assert told == [*((sent.id, number) for number in range(1, 5)), (others.id, 1), (others.id, 2)]
    if domain.together is not None:
        assert sum(domain.together) > 1


async def test_an_agent_cannot_speak_for_anothers_command(
    agent: FakeAgent, other: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    theirs = await database.run(send, agent_id=other.id)
    mine = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    own = await agent.command()
    assert own.command_id == str(mine.id)
    forged = own.__class__(command_id=str(theirs.id))
    await agent.acknowledge(forged)
    await agent.acknowledge(forged, refusal="invalid")
    await agent.report(command_id=theirs.id, deployment_id=theirs.deployment_id, number=1)
    await agent.report(command_id=mine.id, deployment_id=theirs.deployment_id, number=1)
    await agent.report(command_id=mine.id, deployment_id=mine.deployment_id, number=1)
    assert await agent.stored() == 1
    assert [report.command_id for report in domain.applied] == [mine.id]
    assert await database.run(status, theirs.id) is CommandStatus.QUEUED


async def test_a_malformed_report_is_dropped_and_the_session_goes_on(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.command()
    skipped = SKIPPED.recent().get("malformed", 0)
    await agent.report(command_id="no id", deployment_id="neither", number=1)
    await agent.report(command_id=sent.id, deployment_id=sent.deployment_id, number=0)
    await agent.report(command_id=sent.id, deployment_id=sent.deployment_id, number=1)
    assert await agent.stored() == 1
    assert len(domain.applied) == 1
    assert SKIPPED.recent()["malformed"] == skipped + 2


async def test_a_newer_session_replaces_the_older(
    agent: FakeAgent, channel: grpc.aio.Channel, registered: Registration, database: DatabaseThreads
) -> None:
    await agent.welcomed()
    newer = FakeAgent(channel=channel, registered=registered)
    await newer.welcomed()
    assert await agent.ended_with() is grpc.StatusCode.ABORTED
    sent = await database.run(send, agent_id=agent.id)
    assert (await newer.command()).command_id == str(sent.id)
    await newer.leave()


async def test_a_session_needs_the_credential(agent: FakeAgent) -> None:
    for metadata in ((), (("authorization", "Bearer axa_wrong"),), (("authorization", "Basic x"),)):
        agent.metadata = metadata  # type: ignore[assignment]
        call = await agent.connect()
        assert await agent.ended_with() is grpc.StatusCode.UNAUTHENTICATED
        assert await call.details() == "Not authenticated."


async def test_a_credential_speaks_for_its_own_agent_only(agent: FakeAgent) -> None:
    await agent.connect(agent_id=uuid4())
    assert await agent.ended_with() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_revoked_agent_is_dropped_and_stays_out(agent: FakeAgent, database: DatabaseThreads) -> None:
    await agent.welcomed()
    await database.run(enrolment.revoke, agent_id=agent.id)
    await agent.heartbeat()
    assert await agent.ended_with() is grpc.StatusCode.ABORTED
    await agent.connect()
    assert await agent.ended_with() is grpc.StatusCode.UNAUTHENTICATED
