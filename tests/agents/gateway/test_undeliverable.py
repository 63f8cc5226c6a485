"""A command that cannot be delivered fails that command, and holds up no other."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from agents import gateway
from agents.errors import CommandTooLarge
from agents.limits import MAX_CLAIMED_BYTES, MAX_COMMAND_BYTES, MAX_SENT_BYTES, MIB
from agents.models import Agent, CommandRecord
from agents.repositories.delivery import MAX_UNREAD_ATTEMPTS
from agents.services import command_delivery
from agents.states import CommandOutcome, CommandStatus
from agents.transport.threads import DatabaseThreads
from agents.types import CommandData, CommandFinished, Registration
from tests.agents.doubles import Domain, FakeAgent, deploy, eventually, send

pytestmark = pytest.mark.django_db(transaction=True)

# Rows as another version may have stored them: too large, of another shape, of types that no message takes.
BROKEN: dict[str, dict[str, Any]] = {
    "too large": {"files": {"docker-compose.yml": "x" * (MAX_SENT_BYTES + 1)}},
    "another shape": {"files": None, "nonsense": True},
    "other types": {"files": {"docker-compose.yml": 7}},
    "numbers too high": {"health_deadline_seconds": 2**40},
}


def spoil(command: CommandData, change: dict[str, Any]) -> None:
    row = CommandRecord.objects.get(pk=command.id)
    CommandRecord.objects.filter(pk=row.pk).update(
        payload={**row.payload, **change}, size=None, attempts=MAX_UNREAD_ATTEMPTS
    )


def status_of(command: CommandData) -> str:
    return str(CommandRecord.objects.get(pk=command.id).status)


@pytest.mark.parametrize("how", BROKEN)
async def test_what_cannot_be_written_fails_and_others_go_on(
    how: str, agent: FakeAgent, other: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    broken = await database.run(send, agent_id=agent.id, lane="a")
    await database.run(spoil, broken, BROKEN[how])
    good = await database.run(send, agent_id=agent.id, lane="b")
    others = await database.run(send, agent_id=other.id, lane="c")
    for each, sent in ((agent, good), (other, others)):
        await each.welcomed()
        assert (await each.command()).command_id == str(sent.id)

    async def failed() -> bool:
        return await database.run(status_of, broken) == CommandStatus.REFUSED

    await eventually(failed)
    [told] = [report for report in domain.applied if report.command_id == broken.id]
    assert isinstance(told.body, CommandFinished)
    assert (told.body.outcome, told.body.reason) == (CommandOutcome.FAILED, "refused")
    # The same session goes on, in the same lane too.
    later = await database.run(send, agent_id=agent.id, lane="a")
    assert (await agent.command()).command_id == str(later.id)


def claimed(registered: Registration) -> list[UUID]:
    session = uuid4()
    Agent.objects.filter(id=registered.agent_id).update(session_id=session)
    return [each.id for each in command_delivery.claim_due(session_ids=[session], limit=10).commands]


def test_no_more_is_read_at_once_than_memory_is_meant_for_and_the_small_go_first(registered: Registration) -> None:
    large = [send(agent_id=registered.agent_id, lane=f"large-{number}") for number in range(4)]
    CommandRecord.objects.filter(pk__in=[each.id for each in large]).update(size=MAX_CLAIMED_BYTES // 3)
    behind = send(agent_id=registered.agent_id, lane="large-3")
    small = send(agent_id=registered.agent_id, lane="small")
    first = claimed(registered)
    assert small.id in first
    assert behind.id not in first
    assert len(first) == 3
    second = claimed(registered)
    assert second == [large[2].id, large[3].id, behind.id]


def test_one_that_is_larger_than_a_whole_claim_is_still_taken(registered: Registration) -> None:
    sent = send(agent_id=registered.agent_id)
    CommandRecord.objects.filter(pk=sent.id).update(size=2 * MAX_CLAIMED_BYTES)
    assert claimed(registered) == [sent.id]


def test_the_ledger_takes_no_command_that_could_not_be_sent(registered: Registration) -> None:
    text = "x" * (MAX_COMMAND_BYTES // 2)
    with pytest.raises(CommandTooLarge, match=r"12\.\d MiB; at most 12 MiB"), transaction.atomic():
        gateway.send(
            command_id=uuid4(),
            agent_id=registered.agent_id,
            lane="lane",
            deployment_id=uuid4(),
            project_id=uuid4(),
            command=deploy(files={"a": text, "b": text + "x" * (MIB // 8)}),
        )
