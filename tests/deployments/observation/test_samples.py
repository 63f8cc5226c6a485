"""What machines and containers use: believed of their own agent alone, kept bounded by dropping whole parts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from agents.contracts import runner_pb2
from agents.models import Agent, Server
from agents.reports.samples import HostSamples, Sample
from agents.transport.intake.sample_intake import MAX_SAMPLES, SampleIntake
from agents.types import AgentHealth
from deployments.models import ObservedStack, Project
from deployments.repositories import clock
from deployments.repositories.observation import samples as rows
from deployments.repositories.upkeep import partitions
from deployments.services.observation import samples
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(server: Server, project: Project) -> Agent:
    ObservedStack.objects.create(project=project, server_id=server.id, changed_at=clock.now())
    return factories.make_agent(server)


def told(agent: Agent, *given: Sample, age: float = 0.0) -> HostSamples:
    return HostSamples(agent_id=agent.id, age_seconds=age, samples=given)


def points(project: Project, *, whole: bool = True, hours: int = 48) -> tuple[rows.Point, ...]:
    since = clock.now() - timedelta(hours=hours)
    return rows.of_project(project_id=project.pk, since=since, step_seconds=10, whole=whole, limit=1000)


def parts(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return sorted(name for (name,) in cursor.fetchall())


def test_what_is_told_can_be_read(agent: Agent, project: Project, server: Server) -> None:
    web = Sample(container="web-1", project_id=project.pk, node_id="n", service="web", cpu_percent=50, memory_bytes=7)
    samples.record_samples(hosts=[told(agent, Sample(cpu_percent=150, disk_bytes=9), web, age=3.0)])
    (point,) = points(project)
    assert (point.container, point.node_id, point.cpu_percent, point.memory_bytes) == ("web-1", "n", 50, 7)
    since = clock.now() - timedelta(minutes=5)
    (machine,) = rows.of_server(server_id=server.id, since=since, step_seconds=10, whole=True, limit=10)
    assert (machine.cpu_percent, machine.disk_bytes) == (150, 9)


def test_an_agent_is_not_believed_about_what_is_not_there(agent: Agent, owner: object) -> None:
    foreign = factories.make_project(agent.owner, name="elsewhere")
    samples.record_samples(hosts=[told(agent, Sample(container="x", project_id=foreign.pk), Sample(container="y"))])
    assert points(foreign) == ()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM samples WHERE server_id = %s", [agent.server_id])
        assert cursor.fetchone() == (0,)


def test_who_was_revoked_is_not_believed(agent: Agent, project: Project) -> None:
    Agent.objects.filter(pk=agent.pk).update(revoked_at=clock.now())
    samples.record_samples(hosts=[told(agent, Sample(container="web-1", project_id=project.pk))])
    assert points(project) == ()


def test_minutes_are_summed_up_once_also_after_a_gap(agent: Agent, project: Project) -> None:
    samples.keep_bounded()
    for age, percent in ((480, 10), (480, 30), (240, 50)):
        web = Sample(container="web-1", project_id=project.pk, cpu_percent=percent, memory_bytes=percent)
        rows.store(hosts=[told(agent, web, age=age)])
    first = samples.keep_bounded()
    assert [(point.cpu_percent, point.memory_bytes) for point in points(project, whole=False)] == [(20, 30), (50, 50)]
    assert first == 2
    assert rows.fold() == 0


def test_what_is_old_goes_by_parts_and_new_parts_wait() -> None:
    now = clock.now()
    partitions.hold(rows.SAMPLES, at=now)
    before = parts("samples")
    assert len(before) >= 2 + rows.SAMPLES.ahead
    later = now + rows.SAMPLES.keep + timedelta(hours=5)
    partitions.hold(rows.SAMPLES, at=later)
    after = parts("samples")
    assert not set(before) & set(after)
    assert rows.SAMPLES.name_of(rows.SAMPLES.begin_of(later)) in after
    assert partitions.hold(rows.SAMPLES, at=later) == 0


def test_no_message_spoils_what_others_say(agent: Agent, project: Project) -> None:
    stored: list[HostSamples] = []

    class Here:
        async def run(self, call: object, *, hosts: list[HostSamples]) -> None:
            stored.extend(hosts)

    intake = SampleIntake(threads=Here(), on_samples=samples.record_samples)  # type: ignore[arg-type]  # runs here
    bad = runner_pb2.Sample(
        container_name="web\0" * 500,
        project_id=str(project.pk),
        cpu_percent=float("nan"),
        received=float("inf"),
        memory_bytes=-5,
    )
    intake.take(agent_id=agent.id, message=runner_pb2.Samples(samples=[bad] * (MAX_SAMPLES + 5)))
    intake.take_health(agent_id=agent.id, health=AgentHealth(cpu_usage=3))
    intake.take_health(agent_id=uuid4(), health=AgentHealth(cpu_usage=3, memory_usage=2**63 - 1))
    with asyncio.Runner() as runner:
        runner.run(intake.flush())
    assert [len(host.samples) for host in stored] == [MAX_SAMPLES, 1]
    samples.record_samples(hosts=stored)
    (point,) = points(project)
    assert (point.cpu_percent, point.received, point.memory_bytes) == (0, 0, 0)
