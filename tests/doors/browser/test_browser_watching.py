"""What runs, on the pages of people: fifty services, three incidents, changes on the server, a stack that nobody knows.

`AXION_TEST_SCREENSHOTS` names a folder for pictures of each page, at a desk and on a phone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django import Settings

from agents.models import Agent
from deployments.models import Incident, StackDrift, User
from deployments.services.incidents.watch import StackWatch
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from tests import factories
from tests.deployments.drift.stage import Stage
from tests.deployments.lane import Lane
from tests.doors.browser.crowded import graph, name_of
from tests.doors.conftest import sign_in
from tests.doors.people import People
from tests.doors.serving import aside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SERVICES = 50
SIZES = {"desk": {"width": 1360, "height": 900}, "phone": {"width": 390, "height": 850}}
WITHIN_THE_WIDTH = "() => document.documentElement.scrollWidth <= window.innerWidth"


def watched(owner: User) -> Mapping[str, str]:
    """Two stacks of one project's owner: one with everything that can be wrong, one whose agent is silent."""
    lane, silent = proven(owner, name="Shop", count=SERVICES), proven(owner, name="Archive", count=3)
    stage = Stage(lane)
    stage.connect()
    stage.prove(lane.start(lane.ask(force_redeploy=True)), started=True)
    stage.change(name_of(3), image_id="sha256:other")
    stage.change(name_of(4), settings={"key": "1:abc", "env": "x", "limits": "l", "networks": "n"})
    stage.change(name_of(5), state="restarting", restarts=7, exit_code=137, oom_killed=True)
    stage.remove(name_of(6))
    # As a task of a cluster is told.
    stage.change(name_of(7), host="node-2")
    Agent.objects.filter(pk=silent.agent.id).update(last_seen_at=timezone.now() - timedelta(minutes=7))
    long_ago = int((timezone.now() - timedelta(minutes=2)).timestamp() * 1000)
    for row in StackDrift.objects.filter(project_id=lane.project_id):
        row.differences = [{**each, "since_ms": long_ago} for each in row.differences]
        row.save()
    full = {"engine_answers": True, "disk_total": 40 * 1024**3, "disk_free": 1024**3 // 4}
    Agent.objects.filter(pk=lane.agent.id).update(condition=full, last_seen_at=timezone.now())
    StackWatch().judge_projects(project_ids=[lane.project_id], at=timezone.now())
    incident = Incident.objects.filter(project_id=lane.project_id, cause="restarting").get()
    return {
        "project": str(lane.project_id),
        "silent": str(silent.project_id),
        "incident": str(incident.pk),
        "target": f"server:{lane.server.id}",
        "agent": str(lane.agent.id),
    }


def proven(owner: User, *, name: str, count: int) -> Lane:
    """A project with one copy of each service, deployed once."""
    server = factories.make_server(owner, name=f"server of {name}")
    project = sources.create_project(caller=caller_of(owner), project_id=uuid4(), name=name)
    lane = Lane(owner=owner, project_id=project.id, server=server, agent=factories.make_agent(server))
    drawn = graph(tag="1", count=count)
    for node in drawn["nodes"]:
        node["data"]["config"]["replicas"] = "1"
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=drawn)
    lane.deployed()
    return lane


@pytest.mark.timeout(180)
def test_what_is_wrong_is_seen_at_a_desk_and_on_a_phone(
    people: People, browser: Browser, address: str, settings: Settings
) -> None:
    # However long a loaded machine takes for one page, its agent is heard.
    settings.AXION_AGENT_SILENT_AFTER = settings.AXION_AGENT_LOST_AFTER = 300
    rows = aside(lambda: watched(people.users["root"]))
    context = browser.new_context()
    sign_in(context, people=people, name="root", address=address)
    page = context.new_page()
    folder = os.environ.get("AXION_TEST_SCREENSHOTS", "")
    said = {
        "first": ("/admin/", ("Keeps restarting", "Changed on the server", "Disk nearly full")),
        "project": ("/admin/deployments/project/{project}/change/", (name_of(6), "its container is missing")),
        "silent": ("/admin/deployments/project/{silent}/change/", ("Not known",)),
        "stacks": ("/admin/deployments/project/", ("Shop", "Archive")),
        "incidents": ("/admin/deployments/incident/", ("Keeps restarting", "Disk nearly full")),
        "incident": ("/admin/deployments/incident/{incident}/change/", ("ran out of memory", name_of(5))),
        "repair": (
            "/admin/deployments/project/{project}/repair/?target={target}",
            (
                "Repair",
                name_of(3),
            ),
        ),
    }
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)  # type: ignore[arg-type]  # a typed dictionary of the same keys
        for name, (path, words) in said.items():
            aside(lambda: Agent.objects.filter(pk=rows["agent"]).update(last_seen_at=timezone.now()))
            page.goto(f"{address}{path.format(**rows)}", wait_until="load")
            for each in words:
                expect(page.get_by_text(each).locator("visible=true").first).to_be_visible(timeout=30_000)
            assert page.evaluate(WITHIN_THE_WIDTH), f"{name} is wider than a {size}"
            if folder:
                page.screenshot(path=Path(folder) / f"{name}-{size}.png", full_page=True)
    page.goto(f"{address}{said['project'][0].format(**rows)}", wait_until="load")
    page.get_by_role("button", name=f"{name_of(7)}, service: show details").press("Enter")
    expect(page.locator("#ax-node-tasks")).to_contain_text("(node-2)")
    if folder:
        page.screenshot(path=Path(folder) / "node-phone.png")
    context.close()
