"""What an agent sees of its host reaches the domain whole, whatever is lost, doubled or late on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from django.db import OperationalError

from agents.contracts import runner_pb2 as pb
from agents.models import Agent
from agents.reports.observation_digest import digest_of
from agents.runner.observation.telling import MAX_CONTAINERS_PER_PART, Telling
from agents.transport.grpc_server import Gateway
from agents.transport.threads import DatabaseThreads
from agents.types import Registration
from tests.agents.conftest import config
from tests.agents.doubles import Domain, FakeAgent

PROJECT = "4be7a1a5-0f0f-4c50-9d0e-0a7c51b1a001"


def container(number: int, **changes: Any) -> pb.ContainerSeen:
    fields: dict[str, Any] = {
        "service_name": f"s{number}",
        "state": "running",
        "health": "healthy",
        "project_id": PROJECT,
    }
    return pb.ContainerSeen(**{"id": f"{number:064x}", **fields, **changes})


def told(*containers: pb.ContainerSeen) -> dict[str, pb.ContainerSeen]:
    return {each.id: each for each in containers}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def states(domain: Domain) -> list[tuple[str, str]]:
    newest = domain.observed[-1].containers if domain.observed else ()
    return sorted((seen.service_name, seen.state) for seen in newest)


@pytest.fixture
async def observing(agent: FakeAgent) -> FakeAgent:
    await agent.welcomed()
    return agent


async def say(agent: FakeAgent, telling: Telling, seen: dict[str, pb.ContainerSeen]) -> None:
    for observation in telling.news(seen, at_ms=1):
        await agent.observe(observation)


async def test_everything_comes_first_and_then_what_changed(observing: FakeAgent, domain: Domain) -> None:
    telling = Telling()
    first = container(1)
    await say(observing, telling, told(first, container(2)))
    await until(lambda: domain.observed and len(domain.observed[-1].containers) == 2)
    await say(observing, telling, told(first, container(2, state="exited"), container(3)))
    await until(lambda: states(domain) == [("s1", "running"), ("s2", "exited"), ("s3", "running")])
    await say(observing, telling, told(container(3)))
    await until(lambda: states(domain) == [("s3", "running")])


async def test_a_host_that_needs_several_messages_is_stored_once(observing: FakeAgent, domain: Domain) -> None:
    many = told(*(container(number) for number in range(2 * MAX_CONTAINERS_PER_PART + 1)))
    await say(observing, Telling(), many)
    await until(lambda: domain.observed)
    assert [len(observed.containers) for observed in domain.observed] == [len(many)]


async def test_a_lost_message_has_everything_told_again(observing: FakeAgent, domain: Domain) -> None:
    telling = Telling()
    await say(observing, telling, told(container(1)))
    list(telling.news(told(container(1), container(2)), at_ms=1))  # lost
    await say(observing, telling, told(container(1), container(2), container(3)))
    assert (await observing.read()).HasField("observe_again")
    assert len(domain.observed) <= 1
    telling.start_again()
    await say(observing, telling, told(container(4)))
    await until(lambda: states(domain) == [("s4", "running")])


async def test_another_digest_has_everything_told_again(observing: FakeAgent, domain: Domain) -> None:
    observation = pb.Observation(number=1, whole=True, containers=[container(1)], digest="of something else")
    await observing.observe(observation)
    assert (await observing.read()).HasField("observe_again")
    assert domain.observed == []


async def test_a_database_that_is_away_costs_no_picture(observing: FakeAgent, domain: Domain) -> None:
    domain.fails_on = OperationalError
    telling = Telling()
    await say(observing, telling, told(container(1)))
    await say(observing, telling, told(container(1), container(2)))
    await asyncio.sleep(0.1)
    domain.fails_on = None
    await until(lambda: domain.observed)
    await until(lambda: states(domain) == [("s1", "running"), ("s2", "running")])


async def test_what_no_docker_says_is_cut(observing: FakeAgent, domain: Domain) -> None:
    long = {"a" * 100: "b" * 100}
    odd = container(1, name="n" * 5000, state="\0" * 100, project_id="none", restarts=-3, settings=long)
    await say(observing, Telling(), told(odd))
    await until(lambda: domain.observed)
    (seen,) = domain.observed[-1].containers
    assert (len(seen.name) <= 200, "\0" in seen.state, seen.project_id, seen.restarts) == (True, False, None, 0)
    assert all(len(text) <= 64 for pair in seen.settings.items() for text in pair)


def test_the_digest_depends_on_no_order_and_on_no_field_of_a_later_version() -> None:
    one, other = container(1), container(2)
    assert digest_of([one, other]) == digest_of([other, one])
    assert digest_of([one]) != digest_of([other])
    assert digest_of([container(1, name="a")]) == digest_of([container(1, name="b")])


async def test_an_agent_that_jumps_to_another_gateway_is_known_by_what_it_tells_there(
    observing: FakeAgent, domain: Domain, registered: Registration, database: DatabaseThreads
) -> None:
    """To and fro: each time everything is told anew, and who was left says nothing more that counts."""
    await say(observing, Telling(), told(container(1), container(2)))
    await until(lambda: domain.observed)
    second = Gateway(config=config(), bindings=domain.bindings())
    async with grpc.aio.insecure_channel(f"127.0.0.1:{await second.start()}") as channel:
        jumped = FakeAgent(channel=channel, registered=registered)
        await jumped.welcomed()
        await say(jumped, Telling(), told(container(2, state="exited")))
        await until(lambda: states(domain) == [("s2", "exited")])
        speaks = await database.run(lambda: Agent.objects.get().session_id)
        assert domain.observed[-1].session_id == speaks
        assert await observing.ended_with() == grpc.StatusCode.ABORTED

        await observing.welcomed()
        await say(observing, Telling(), told(container(3)))
        await until(lambda: states(domain) == [("s3", "running")])
        assert domain.observed[-1].session_id != speaks
        await jumped.leave()
    await second.stop()


async def test_tasks_of_a_swarm_are_handed_on_and_offered_again(observing: FakeAgent, domain: Domain) -> None:
    task = pb.TaskSeen(id="t1", name="s_web.1", service_name="web", project_id=PROJECT, state="running", host="one")
    seen = pb.TasksSeen(swarm_id="swarm", tasks=[task, pb.TaskSeen(service_name="without an id")])
    await observing.write_raw(pb.FromAgent(tasks=seen).SerializeToString())
    # The second time without any news: another manager may have fallen silent meanwhile.
    await until(lambda: len(domain.tasks) >= 2)
    assert [(each.name, each.state, each.host) for each in domain.tasks[-1].tasks] == [("s_web.1", "running", "one")]
    assert domain.tasks[-1].swarm_id == "swarm"
