"""A ledger that was restored from a copy, and two machines with one credential: nobody undoes what another proved."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from django.db import transaction

from agents.contracts import runner_pb2
from agents.hello import Instances, admit
from agents.models import Agent, Server
from agents.repositories import ledger
from agents.states import CommandStatus
from agents.transport.threads import DatabaseThreads
from agents.types import Registration
from tests import factories
from tests.agents.conftest import enrol
from tests.agents.doubles import Domain, FakeAgent, eventually, send
from tests.agents.test_settling import NOW, give_number, send_back, stored, trouble_of

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


def test_the_newer_stays_and_the_older_is_refused_while_the_newer_is_heard() -> None:
    def step(known: Instances, name: str, *, after: float = 1, heard: bool = True) -> Instances | None:
        return admit(known, instance_id=name, now=NOW + timedelta(seconds=after), heard_lately=heard)

    first = step(Instances(), "a")
    assert first is not None
    second = step(first, "b")
    assert second is not None
    assert second.present == "b"
    assert step(second, "a", after=2) is None
    assert step(second, "b", after=3) == second
    refused = replace(second, refused="a")
    assert step(refused, "a", after=3600) is None
    # The newer one has gone, or it was a restart long ago.
    for late in (step(refused, "a", heard=False), step(second, "a", after=3600)):
        assert late is not None
        assert late.present == "a"


def session_of(agent_id: UUID) -> UUID | None:
    return Agent.objects.values_list("session_id", flat=True).get(pk=agent_id)


async def test_the_newer_of_two_machines_is_served_and_the_older_is_told_why(
    agent: FakeAgent, clone: FakeAgent, database: DatabaseThreads
) -> None:
    await agent.welcomed(instance_id="a", journal_id="j")
    await clone.welcomed(instance_id="b", journal_id="j")
    assert await agent.ended_with() is grpc.StatusCode.ABORTED
    assert "newer session" in agent.why
    served = await database.run(session_of, agent.id)
    # They do not take turns: however often the older one comes back, the newer one's session is the same.
    for _ in range(3):
        with suppress(grpc.aio.AioRpcError):
            await agent.connect(instance_id="a", journal_id="j")
        assert await agent.ended_with() is grpc.StatusCode.FAILED_PRECONDITION
        assert "Two machines" in agent.why
        assert "Two machines" in await database.run(trouble_of, agent.id)
        sent = await database.run(send, agent_id=agent.id)
        assert (await clone.command()).command_id == str(sent.id)
        await clone.acknowledge(runner_pb2.Command(command_id=str(sent.id)))
    assert await database.run(session_of, agent.id) == served
    await clone.leave()
    await clone.welcomed(instance_id="b", journal_id="j")
    assert "Two machines" in await database.run(trouble_of, agent.id)
