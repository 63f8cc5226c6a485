"""What history keeps goes down to the agents, what a host lacks of it comes up; over a real channel and database."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import transaction

from agents import gateway
from agents.models import Server
from agents.retention import HostInventory, KeptStack, Retention
from agents.services import command_delivery
from agents.transport import retention_announcer
from agents.transport.threads import DatabaseThreads
from agents.types import Registration, Sighting
from tests.agents.conftest import enrol
from tests.agents.doubles import Domain, FakeAgent, eventually, send

pytestmark = pytest.mark.django_db(transaction=True)

IMAGE, ANOTHER = (f"sha256:{digit * 64}" for digit in "ab")


def keeping(*images: str) -> Retention:
    stack = KeptStack(stack_name="axion-shop", project_id=uuid4(), image_ids=images, deployment_ids=(uuid4(),))
    return Retention(stacks=(stack,))


def announce(target_id: UUID) -> None:
    with transaction.atomic():
        gateway.announce_retention(target_id=target_id)


async def test_an_agent_is_told_when_it_comes_and_when_something_changed(
    agent: FakeAgent, server: Server, domain: Domain, database: DatabaseThreads
) -> None:
    domain.kept = first = keeping(IMAGE)
    await agent.welcomed()
    told = await agent.retention()
    (stack,) = told.stacks
    assert (told.number, stack.stack_name, list(stack.image_ids)) == (first.number, "axion-shop", [IMAGE])
    assert stack.deployment_ids == [str(first.stacks[0].deployment_ids[0])]
    domain.kept = second = keeping(IMAGE, ANOTHER)
    await database.run(announce, server.id)
    assert (await agent.retention()).number == second.number != first.number


async def test_the_end_of_a_command_is_a_reason_to_look_again_and_the_same_is_not_told_twice(
    agent: FakeAgent, server: Server, domain: Domain, database: DatabaseThreads
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    assert (await agent.command()).command_id == str(sent.id)
    nothing = await agent.retention()
    assert (nothing.number, list(nothing.stacks)) == (Retention().number, [])
    looked = len(domain.asked_retentions)
    await agent.report(command_id=sent.id, deployment_id=sent.deployment_id, number=1)
    await agent.finish(command_id=sent.id, deployment_id=sent.deployment_id, number=2)
    assert await agent.stored() >= 1

    async def looked_again() -> bool:
        return len(domain.asked_retentions) > looked

    await eventually(looked_again)
    domain.kept = changed = keeping(IMAGE)
    for _ in range(20):
        await database.run(announce, server.id)
    assert (await agent.retention()).number == changed.number
    # Twenty announcements are a few rounds, and none of them tells the same again.
    assert len(domain.asked_retentions) - looked < 20
    assert agent.retentions == []


async def test_what_a_host_lacks_is_stored(agent: FakeAgent, database: DatabaseThreads) -> None:
    async def lacks() -> HostInventory | None:
        return await database.run(gateway.host_inventory, agent_id=agent.id)

    await agent.welcomed()
    assert await lacks() is None
    await agent.take_stock(IMAGE, "no id", f"{ANOTHER}; DROP TABLE agents")

    async def stored() -> bool:
        found = await lacks()
        return found is not None and found.missing_image_ids == {IMAGE}

    await eventually(stored)
    before = await lacks()
    await agent.heartbeat()
    await agent.take_stock()

    async def complete() -> bool:
        found = await lacks()
        return found is not None and before is not None and found.checked_at > before.checked_at

    await eventually(complete)
    found = await lacks()
    assert found is not None
    assert found.missing_image_ids == frozenset()


def test_a_heartbeat_keeps_what_was_stored_and_a_new_enrolment_forgets_it(
    registered: Registration, server: Server
) -> None:
    def heard(sighting: Sighting) -> HostInventory | None:
        command_delivery.beat_and_touch(gateway_id=uuid4(), seen={registered.agent_id: sighting})
        return gateway.host_inventory(agent_id=registered.agent_id)

    first = heard(Sighting(missing_images=(IMAGE,)))
    assert first is not None
    assert heard(Sighting()) == first
    assert enrol(server, replace=True).agent_id == registered.agent_id
    assert gateway.host_inventory(agent_id=registered.agent_id) is None
    assert gateway.host_inventory(agent_id=uuid4()) is None


async def test_what_is_too_much_to_be_told_ends_no_session(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_announcer, "MAX_SENT_BYTES", 100)
    kept = KeptStack(stack_name="s" * 63, project_id=uuid4(), image_ids=("i" * 71,), deployment_ids=())
    domain.kept = Retention(stacks=(kept,))
    await agent.welcomed()
    with pytest.raises(TimeoutError):
        await agent.retention(within=1.0)
    sent = await database.run(send, agent_id=agent.id)
    assert (await agent.command()).command_id == str(sent.id)
