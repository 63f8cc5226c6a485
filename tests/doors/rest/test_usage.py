"""What containers and machines used, over REST: in series, for who may see it, and no further back than is kept."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent, Server
from agents.reports.samples import HostSamples, Sample
from deployments.models import ObservedStack, Project
from deployments.repositories import clock
from deployments.services.observation import samples
from deployments.services.queries import usage
from deployments.services.queries.usage import MAX_HOURS, MAX_POINTS_PER_SERIES, step_seconds_for
from tests import factories
from tests.doors.people import People


@pytest.fixture
def agent(server: Server, project: Project) -> Agent:
    ObservedStack.objects.create(project=project, server_id=server.id, changed_at=clock.now())
    return factories.make_agent(server)


def told(agent: Agent, project: Project, *, age: float) -> None:
    """One machine and two copies of a service, so many seconds ago."""
    web: dict[str, Any] = {"project_id": project.pk, "node_id": "n1", "service": "web", "memory_limit_bytes": 1000}
    containers = [
        Sample(container=f"web-{number}", cpu_percent=number * age, memory_bytes=number, **web) for number in (1, 2)
    ]
    host = HostSamples(agent_id=agent.id, age_seconds=age, samples=(Sample(cpu_percent=150, disk_bytes=9), *containers))
    samples.record_samples(hosts=[host])


def asked(people: People, who: str, address: str, **query: Any) -> dict[str, Any]:
    answer = people.api(who).get(address, query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["data"]["usage"]
    return found


def test_each_container_is_a_series_and_the_machine_one(
    people: People, project: Project, server: Server, agent: Agent
) -> None:
    for age in (25, 5):
        told(agent, project, age=age)
    found = asked(people, "viewer", f"/api/projects/{project.pk}/usage")
    assert (found["stepSeconds"], found["complete"]) == (10, True)
    assert [(each["container"], each["serviceName"], each["nodeId"]) for each in found["series"]] == [
        ("web-1", "web", "n1"),
        ("web-2", "web", "n1"),
    ]
    second = found["series"][1]["points"]
    assert [(point["cpuPercent"], point["memoryBytes"], point["memoryLimitBytes"]) for point in second] == [
        (50, 2, 1000),
        (10, 2, 1000),
    ]
    assert second[0]["at"] < second[1]["at"]
    (machine,) = asked(people, "owner", f"/api/servers/{server.pk}/usage", hours=2)["series"]
    assert (machine["container"], machine["points"][0]["diskBytes"]) == ("", 9)


def test_nothing_was_heard(people: People, project: Project) -> None:
    assert asked(people, "owner", f"/api/projects/{project.pk}/usage", hours=MAX_HOURS)["series"] == []


@pytest.mark.parametrize("hours", ["0", str(MAX_HOURS + 1), "x"])
def test_further_back_than_is_kept_is_refused_by_name(people: People, project: Project, hours: str) -> None:
    answer = people.api("owner").get(f"/api/projects/{project.pk}/usage", {"hours": hours})
    assert answer.status_code == 400
    assert "hours" in str(answer.json())


def test_what_is_left_out_is_said(
    people: People, project: Project, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(agent, project, age=5)
    monkeypatch.setattr(usage, "MAX_POINTS", 1)
    found = asked(people, "owner", f"/api/projects/{project.pk}/usage")
    assert (found["complete"], [len(each["points"]) for each in found["series"]]) == (False, [1])


@pytest.mark.parametrize(("hours", "step"), [(1, 10), (2, 20), (24, 240), (25, 300), (MAX_HOURS, 3360)])
def test_steps_grow_with_the_time(hours: int, step: int) -> None:
    assert step_seconds_for(hours=hours) == step
    assert hours * 3600 / step <= MAX_POINTS_PER_SERIES
