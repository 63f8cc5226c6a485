"""The pages of what is used: curves with limit and marks, and what they say while nothing was heard."""

from __future__ import annotations

from datetime import timedelta

from agents.models import Server
from agents.reports.samples import HostSamples, Sample
from deployments.models import MemoryKill, ObservedStack, Project
from deployments.repositories import clock
from deployments.services.observation import samples
from tests import factories
from tests.doors.people import People

MEBIBYTE = 1024**2


def test_curves_of_a_project_and_of_its_server(people: People, project: Project, server: Server) -> None:
    now = clock.now()
    ObservedStack.objects.create(project=project, server_id=server.id, changed_at=now)
    agent = factories.make_agent(server)
    ended = factories.make_deployment(project, server, status="success", at=now - timedelta(minutes=20))
    type(ended).objects.filter(pk=ended.pk).update(completed_at=now - timedelta(minutes=19))
    web = Sample(
        container="web-1", project_id=project.pk, node_id="n", service="web", cpu_percent=50,
        memory_bytes=64 * MEBIBYTE, memory_limit_bytes=128 * MEBIBYTE, received=2048,
    )  # fmt: skip
    machine = Sample(cpu_percent=150, memory_bytes=MEBIBYTE, disk_bytes=MEBIBYTE)
    for age in (30.0, 20.0, 10.0):
        samples.record_samples(hosts=[HostSamples(agent_id=agent.id, age_seconds=age, samples=(machine, web))])

    page = people.browser("viewer").get(f"/admin/deployments/project/{project.pk}/usage/")
    text = page.content.decode()
    assert f"web-1 on {server.name}" in text
    assert "last seen 50 % of one processor, at most 50 % of one processor" in text
    assert "at most 64.0\xa0MB of 128.0\xa0MB" in text
    assert "2.0\xa0KB/s" in text
    (chart,) = page.context["charts"]
    assert [curve.name for curve in chart.curves] == ["Processor", "Memory", "Network"]
    assert all(curve.path.count("L") == 2 for curve in chart.curves)
    assert f"/admin/deployments/deployment/{ended.pk}/change/" in text

    sparks = people.browser("viewer").get(f"/admin/deployments/project/{project.pk}/usage/state/").json()
    spark = sparks["servers"][str(server.pk)]["n"]
    assert spark["words"] == "Memory 64.0\xa0MB of 128.0\xa0MB. Processor 50 % of one processor."
    assert (spark["limitY"], spark["tight"]) == (2.0, False)
    assert spark["path"].startswith("M")

    MemoryKill.objects.create(
        project=project, server_id=server.id, container_id="c", host_ms=1, service="web", container="web-1", at=now
    )
    marked = people.browser("viewer").get(f"/admin/deployments/project/{project.pk}/usage/")
    (chart,) = marked.context["charts"]
    assert [mark.words for mark, _ in chart.kills] == ["web-1 was killed for lack of memory"]
    assert marked.content.decode().count("ax-curve-kill") == len(chart.curves)

    there = people.browser("owner").get(f"/admin/agents/server/{server.pk}/usage/?hours=24").context["charts"]
    assert [[curve.name for curve in chart.curves] for chart in there] == [["Processor", "Memory", "Disk"]]


def test_nothing_was_heard(people: People, project: Project) -> None:
    text = (
        people.browser("owner").get(f"/admin/deployments/project/{project.pk}/usage/?hours=nonsense").content.decode()
    )
    assert "No data for this period" in text
    assert 'href="?hours=1" aria-current="true"' in text
