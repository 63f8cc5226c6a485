"""Agents become another version in waves: the rows decide, whoever moves them on."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError
from django.utils import timezone

from agents import gateway
from agents.contracts.packages import PackagesName
from agents.contracts.version import UPDATES_PROTOCOL
from agents.distribution.artifact import agent_artifact
from agents.models import Agent, AgentUpdate, UpdateRollout
from agents.reports.update_rules import RolloutState, UpdateState, wave_of
from agents.services import updates
from agents.transport.threads import DatabaseThreads
from deployments.models import User
from tests import factories
from tests.agents.doubles import Domain, FakeAgent, send

OLD = "0" * 16


def agents_of(owner: User, number: int) -> list[Agent]:
    """Connected agents of a former build that can update themselves."""
    made = []
    for place in range(number):
        agent = factories.make_agent(factories.make_server(owner, name=f"s{place:02}"))
        agent.build, agent.protocol, agent.session_id = OLD, UPDATES_PROTOCOL, uuid4()
        agent.save()
        made.append(agent)
    return made


def begin(owner: User) -> UUID:
    rollout_id = uuid4()
    found = updates.candidates(owner_id=owner.id)
    updates.start_rollout(rollout_id=rollout_id, agents=found, by_id=owner.id, by_name="alice")
    return rollout_id


def states(rollout_id: UUID) -> list[str]:
    rows = AgentUpdate.objects.filter(rollout_id=rollout_id).order_by("server_name")
    return [str(state) for state in rows.values_list("state", flat=True)]


def tell(agent: Agent, told: str, *, build: str | None = None) -> None:
    """What the agent's session says; with `build` after another Hello of it."""
    if build is not None:
        Agent.objects.filter(pk=agent.pk).update(build=build)
    row = AgentUpdate.objects.filter(agent_id=agent.pk).latest("deadline_at")
    updates.record_told(
        agent_id=agent.pk, session_id=agent.session_id or uuid4(), update_id=row.pk, told=told, message=told
    )


def succeed(*agents: Agent) -> None:
    for agent in agents:
        tell(agent, "done", build=updates.latest_build())


def test_waves_are_one_a_tenth_and_all() -> None:
    assert [wave_of(place, of=25) for place in range(6)] == [1, 2, 2, 2, 3, 3]
    assert [wave_of(place, of=2) for place in range(2)] == [1, 2]


@pytest.mark.django_db
def test_each_wave_waits_for_the_one_before_and_all_end_well(owner: User) -> None:
    made = agents_of(owner, 12)
    rollout_id = begin(owner)
    assert states(rollout_id) == ["ordered", *["waiting"] * 11]
    succeed(made[0])
    assert states(rollout_id) == ["succeeded", "ordered", "ordered", *["waiting"] * 9]
    tell(made[1], "trying")
    succeed(made[2])
    assert states(rollout_id)[:4] == ["succeeded", "ordered", "succeeded", "waiting"]
    succeed(made[1])
    assert states(rollout_id) == [*["succeeded"] * 3, *["ordered"] * 9]
    succeed(*made[3:])
    found = UpdateRollout.objects.get(pk=rollout_id)
    assert (found.state, found.message) == (RolloutState.SUCCEEDED, "12 updated.")


@pytest.mark.django_db
def test_the_first_failure_stops_the_rest_and_done_is_believed_of_the_new_build_alone(owner: User) -> None:
    made = agents_of(owner, 12)
    rollout_id = begin(owner)
    # It says so and is not it: nothing follows.
    tell(made[0], "done")
    assert states(rollout_id)[:2] == ["ordered", "waiting"]
    succeed(made[0])
    tell(made[1], "failed")
    assert states(rollout_id)[:4] == ["succeeded", "failed", "ordered", "skipped"]
    # What was told goes on to its end.
    assert UpdateRollout.objects.get(pk=rollout_id).state == RolloutState.RUNNING
    succeed(made[2])
    found = UpdateRollout.objects.get(pk=rollout_id)
    assert (found.state, found.message) == (RolloutState.FAILED, "2 updated, 1 failed, 9 skipped.")


@pytest.mark.django_db
def test_a_host_that_dies_while_its_agent_updates_stops_the_rollout_and_one_that_died_before_is_passed_over(
    owner: User,
) -> None:
    made = agents_of(owner, 12)
    # Dead before its turn: nobody waits for it, and the wave goes on.
    Agent.objects.filter(pk=made[2].pk).update(last_seen_at=timezone.now() - timedelta(days=1), session_id=None)
    rollout_id = begin(owner)
    succeed(made[0])
    assert states(rollout_id)[:4] == ["succeeded", "ordered", "skipped", "waiting"]
    tell(made[1], "trying")
    # It was told, and its host dies: nothing is heard of it any more.
    Agent.objects.filter(pk=made[1].pk).update(last_seen_at=timezone.now() - timedelta(days=1), session_id=None)
    assert not updates.advance(rollout_id=rollout_id)
    assert states(rollout_id)[1] == "ordered"
    AgentUpdate.objects.filter(agent_id=made[1].pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    updates.advance(rollout_id=rollout_id)
    assert states(rollout_id) == ["succeeded", "failed", *["skipped"] * 10]
    found = UpdateRollout.objects.get(pk=rollout_id)
    assert (found.state, found.message) == (RolloutState.FAILED, "1 updated, 1 failed, 10 skipped.")
    # It comes back, and is what it was told to become: the rollout is over all the same.
    succeed(made[1])
    assert UpdateRollout.objects.get(pk=rollout_id).state == RolloutState.FAILED
    assert states(rollout_id)[2:] == ["skipped"] * 10


@pytest.mark.django_db
def test_a_cancel_begins_nothing_more_and_one_agent_is_in_one_rollout(owner: User) -> None:
    made = agents_of(owner, 3)
    rollout_id = begin(owner)
    assert updates.cancel(rollout_id=rollout_id)
    assert states(rollout_id) == ["ordered", "cancelled", "cancelled"]
    succeed(made[0])
    assert UpdateRollout.objects.get(pk=rollout_id).state == RolloutState.CANCELLED
    assert not updates.cancel(rollout_id=rollout_id)
    begin(owner)
    with pytest.raises(IntegrityError):
        begin(owner)


@pytest.mark.django_db
def test_who_is_busy_is_waited_for_who_is_away_or_too_old_is_passed_over(owner: User) -> None:
    busy, away, old, silent = agents_of(owner, 4)
    Agent.objects.filter(pk=away.pk).update(last_seen_at=None)
    Agent.objects.filter(pk=old.pk).update(protocol=UPDATES_PROTOCOL - 1)
    command = send(agent_id=busy.pk)
    rollout_id = begin(owner)
    assert states(rollout_id) == ["waiting"] * 4
    assert AgentUpdate.objects.get(agent_id=busy.pk).message == "Waits for the end of a command there."
    # A worker, a gateway and a reconciler may die here: the next round finds the rows.
    assert updates.advance(rollout_id=rollout_id) is False
    gateway.finish(command_id=command.id)
    assert updates.advance(rollout_id=rollout_id) is True
    assert states(rollout_id) == ["ordered", "waiting", "waiting", "waiting"]
    succeed(busy)
    assert states(rollout_id) == ["succeeded", "skipped", "skipped", "ordered"]
    AgentUpdate.objects.filter(agent_id=silent.pk).update(deadline_at=timezone.now())
    assert updates.advance(rollout_id=rollout_id) is True
    assert states(rollout_id)[-1] == UpdateState.FAILED
    assert UpdateRollout.objects.get(pk=rollout_id).state == RolloutState.FAILED


@pytest.mark.django_db
def test_only_who_was_ordered_gets_the_archive(owner: User) -> None:
    first, second = agents_of(owner, 2)
    begin(owner)
    digest = agent_artifact().digest
    assert updates.archive_for(agent_id=first.pk, digest=digest) == agent_artifact().content
    assert updates.archive_for(agent_id=second.pk, digest=digest) is None
    assert updates.archive_for(agent_id=first.pk, digest="f" * 64) is None


@pytest.mark.django_db
def test_only_who_was_ordered_gets_the_packages_that_fit_it(owner: User, settings: Any, tmp_path: Path) -> None:
    settings.AXION_AGENT_WHEELS = str(tmp_path)
    first, second = agents_of(owner, 2)
    begin(owner)
    name = PackagesName(digest=agent_artifact().digest, minor=11, machine="x86_64")
    assert updates.archive_for(agent_id=first.pk, digest=str(name)) is None
    names = ["any-1-py3-none-any.whl", "here-1-cp311-cp311-manylinux_2_28_x86_64.whl"]
    for each in [*names, "there-1-cp311-cp311-manylinux_2_28_aarch64.whl", "notes.txt"]:
        (tmp_path / each).write_text(each)
    packed = updates.archive_for(agent_id=first.pk, digest=str(name))
    assert packed is not None
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert tar.getnames() == names
    # A thousand agents that ask at once are given the same bytes, not as many copies of them.
    assert updates.archive_for(agent_id=first.pk, digest=str(name)) is packed
    (tmp_path / "more-1-py3-none-any.whl").write_text("more")
    assert updates.archive_for(agent_id=first.pk, digest=str(name)) != packed
    assert updates.archive_for(agent_id=second.pk, digest=str(name)) is None
    for wrong in (f"packages/{'f' * 64}/11/x86_64", f"packages/{agent_artifact().digest}/x/x86_64", "packages//"):
        assert updates.archive_for(agent_id=first.pk, digest=wrong) is None


async def test_a_connected_agent_is_told_tries_beside_itself_and_says_how_it_went(
    agent: FakeAgent, domain: Domain, database: DatabaseThreads, owner: User
) -> None:
    await agent.welcomed(protocol=UPDATES_PROTOCOL, build=OLD, instance_id="one")
    await database.run(begin, owner)
    message = await agent.read()
    while message.WhichOneof("message") != "update":
        message = await agent.read()
    order = message.update
    assert order.digest == agent_artifact().digest
    # The new version's Hello is answered, and the session of the old one goes on.
    beside = FakeAgent(stub=agent._stub, registered=agent.registered)
    assert (await beside.welcomed(trial=True, instance_id="one")).protocol >= UPDATES_PROTOCOL
    await beside.leave()
    await agent.tell_update(order.update_id, "trying")
    await until(database, lambda: AgentUpdate.objects.get().told == "trying")
    await agent.leave()
    # It comes back as the new one, is told again, and says that it is done.
    await agent.welcomed(protocol=UPDATES_PROTOCOL, build=updates.latest_build(), instance_id="one")
    await agent.tell_update(order.update_id, "done")
    await until(database, lambda: UpdateRollout.objects.get().state == RolloutState.SUCCEEDED)


async def until(database: DatabaseThreads, condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if await database.run(condition):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("It did not come to that.")
