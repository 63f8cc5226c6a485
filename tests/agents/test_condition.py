"""How an agent fares: it says so itself, and its server's owner sees it beside what heartbeats say."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agents.condition import AgentCondition, condition_of
from agents.contracts import runner_pb2 as pb
from agents.models import Agent, Server
from agents.services import command_delivery
from agents.transport.threads import DatabaseThreads
from agents.transport.wire.conditions import condition_from_wire
from agents.types import Sighting
from deployments.models import User
from tests.agents.conftest import enrol
from tests.agents.doubles import FakeAgent, eventually

AWAY = pb.Condition(
    engine_answers=False,
    engine_message="No such file or directory (unix:///var/run/docker.sock)",
    disk_total_bytes=40 * 1024**3,
    disk_free_bytes=30 * 1024**3,
    stalled=[pb.Stalled(command_id="c1", deployment_id="d1", seconds=75, step="Docker on this host")],
)
STANDS_STILL = "A command has not moved for 75 s: it waits for Docker on this host."
NO_DOCKER = "Docker does not answer: No such file or directory (unix:///var/run/docker.sock)."


@pytest.mark.django_db(transaction=True)
async def test_what_an_agent_says_of_itself_is_stored_and_a_heartbeat_leaves_it(
    agent: FakeAgent, database: DatabaseThreads
) -> None:
    def stored() -> Any:
        row = Agent.objects.get(id=agent.id)
        return None if row.condition is None else condition_of(row.condition)

    await agent.welcomed()
    assert await database.run(stored) is None
    await agent.fares(AWAY)

    async def told() -> Any:
        return await database.run(stored)

    condition = await eventually(told)
    assert condition == condition_from_wire(AWAY)
    await agent.heartbeat(containers=3)

    async def beaten() -> bool:
        health = await database.run(lambda: Agent.objects.get(id=agent.id).health)
        return bool(health.get("active_containers") == 3)

    await eventually(beaten)
    assert await told() == condition
    await agent.fares(pb.Condition(engine_answers=True))

    async def well() -> bool:
        return bool((await database.run(stored)).troubles == ())

    await eventually(well)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (AgentCondition(engine_answers=True), ()),
        (AgentCondition(engine_answers=True, disk_total=10**12, disk_free=2 * 10**9), ()),
        (condition_from_wire(AWAY), (NO_DOCKER, STANDS_STILL)),
        (AgentCondition(engine_answers=True, disk_total=40 * 1024**3, disk_free=1024**3 // 2),
         ("Little space is left: 0.5 of 40.0 GiB.",)),
        (AgentCondition(engine_answers=True, disk_total=100, fault="The disk with /x is full."),
         ("The disk with /x is full.",)),
    ],
)  # fmt: skip
def test_what_is_wrong_in_words(condition: AgentCondition, said: tuple[str, ...]) -> None:
    assert condition.troubles == said


def test_what_an_agent_says_is_bounded_and_storable() -> None:
    stalled = [pb.Stalled(command_id="c" * 999, seconds=-1, step="s\0" * 999)] * 999
    kept = condition_from_wire(pb.Condition(engine_message="m" * 10**6, fault="f\0" * 10**6, stalled=stalled))
    assert (len(kept.engine_message), len(kept.fault), len(kept.stalled)) == (500, 500, 32)
    assert (len(kept.stalled[0].step), kept.stalled[0].seconds) == (500, 0)
    assert "\0" not in kept.fault + kept.stalled[0].step


def test_a_row_of_another_version_is_read_all_the_same() -> None:
    newer = {"engine_answers": True, "moon": "full", "stalled": [{"command_id": "c", "colour": "red"}]}
    assert condition_of(newer).stalled[0].command_id == "c"
    assert condition_of({}).engine_answers is False


@pytest.mark.django_db
def test_the_owner_sees_it_in_the_admin_and_over_rest(client: Client, owner: User, server: Server) -> None:
    registered = enrol(server)
    condition = condition_from_wire(AWAY)
    command_delivery.beat_and_touch(gateway_id=server.id, seen={registered.agent_id: Sighting(condition=condition)})
    User.objects.filter(id=owner.id).update(is_staff=True)
    client.force_login(owner)
    page = client.get(reverse("admin:agents_server_changelist")).content.decode()
    assert NO_DOCKER in page
    page = client.get(reverse("admin:agents_agent_change", args=[registered.agent_id])).content.decode()
    assert NO_DOCKER in page
    answer = client.get(f"/api/agents/{registered.agent_id}").json()["agent"]["condition"]
    assert (answer["engineAnswers"], answer["troubles"][0]) == (False, NO_DOCKER)
    assert answer["stalled"] == [
        {"commandId": "c1", "deploymentId": "d1", "seconds": 75, "step": "Docker on this host"}
    ]
    assert answer["at"] > 0


@pytest.mark.django_db
def test_a_new_machine_does_not_inherit_it(owner: User, server: Server) -> None:
    first = enrol(server)
    seen = {first.agent_id: Sighting(condition=AgentCondition(engine_answers=False))}
    command_delivery.beat_and_touch(gateway_id=server.id, seen=seen)
    again = enrol(server, replace=True)
    assert again.agent_id == first.agent_id
    assert Agent.objects.get(id=first.agent_id).condition is None
