"""What people come for, from the first page to the end of it: clicks and seconds are counted and printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from agents.models import Server
from agents.states import CommandStage
from agents.types import ServiceObserved, StageReached
from deployments import live_updates
from deployments.models import Deployment, Project
from deployments.repositories import deployments, events
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane
from tests.doors.browser.tasks import Task
from tests.doors.conftest import sign_in
from tests.doors.people import People
from tests.doors.serving import aside, look_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PHONE, DESK = {"width": 390, "height": 850}, {"width": 1280, "height": 850}
# Longer than any page takes here; it is never waited out.
PATIENCE = 20_000


@pytest.fixture
def opened(browser: Browser, people: People, address: str) -> Iterator[Callable[..., Page]]:
    """Open a window in which this person is signed in."""

    def open_for(name: str, size: dict[str, int]) -> Page:
        context = browser.new_context(viewport={"width": size["width"], "height": size["height"]})
        context.set_default_timeout(PATIENCE)
        sign_in(context, people=people, name=name, address=address)
        return context.new_page()

    yield open_for
    for context in browser.contexts:
        context.close()


def newest() -> DeploymentRecord:
    return deployments.get(deployment_id=Deployment.objects.latest("created_at").pk)


def told(deployment: DeploymentRecord) -> None:
    """Its events reach whoever watches."""
    live_updates.push(events.after(deployment_id=deployment.id, sequence=0, limit=500))


def test_a_newcomer_comes_from_nothing_to_an_open_address(
    opened: Callable[..., Page], address: str, people: People, begin: Callable[[str], Task]
) -> None:
    page = opened("owner", DESK)
    look_at(page, f"{address}/admin/")
    task = begin("newcomer, from nothing to an open address")
    task.click(page.locator("#ax-first-steps").get_by_role("link", name="Add a server"))
    page.locator("#id_name").fill("alpha")
    page.locator("#id_host").fill("alpha.example")
    task.click(page.get_by_role("button", name="Save", exact=True))
    task.click(page.get_by_role("button", name="Create the token"))
    expect(page.locator("#ax-waiting")).to_contain_text("Waiting for the agent")
    server = aside(lambda: Server.objects.get(name="alpha"))
    agent = aside(lambda: factories.make_agent(server))
    expect(page.locator("#ax-waiting")).to_contain_text("The agent is connected", timeout=PATIENCE)
    task.click(page.get_by_role("link", name="Add an application"))
    task.click(page.get_by_role("button", name="Add the example Web and database"))
    task.click(page.get_by_role("button", name="Review changes"))
    expect(page.locator("#ax-plan .ax-plan-head")).to_contain_text("2 to create on alpha", timeout=PATIENCE)
    task.click(page.get_by_role("button", name="Deploy", exact=True))
    page.wait_for_url("**/deployment/**")
    project = aside(Project.objects.get)
    lane = Lane(owner=people.users["owner"], project_id=project.id, server=server, agent=agent)
    aside(lambda: told(lane.succeed(lane.start(newest()))))
    link = page.get_by_role("link", name="alpha.example:18080")
    expect(link).to_have_attribute("href", "http://alpha.example:18080/", timeout=PATIENCE)
    task.clicks += 1  # The link itself leads away from what is served here.
    task.done(clicks=12, seconds=60)
    look_at(page, f"{address}/admin/deployments/project/{project.id}/change/")
    expect(page.locator("#ax-lanes").get_by_role("link", name="alpha.example:18080")).to_be_visible()
    page.get_by_role("button", name="web, service: show details").press("Enter")
    expect(page.locator("#ax-node-dialog")).to_contain_text("caddy:2")
    expect(page.locator("#ax-node-dialog")).to_contain_text("18080")


def test_at_night_the_cause_is_one_tap_away_and_the_way_back_three(
    deployed_lane: Lane, opened: Callable[..., Page], address: str, begin: Callable[[str], Task]
) -> None:
    lane = deployed_lane

    def break_it() -> UUID:
        lane.store_graph(web="web:2")
        return lane.fail(lane.start(lane.ask()), failed_service="web", log_tail=("no such table",)).id

    failed = aside(break_it)
    page = opened("owner", PHONE)
    look_at(page, f"{address}/admin/")
    task = begin("night duty, on a phone")
    task.click(page.locator(f"#ax-recent a[href*='{failed}']"))
    expect(page.locator("#ax-trouble")).to_contain_text("no such table")
    task.so_far("the cause is read", clicks=1)
    task.click(page.get_by_role("link", name="Roll back"))
    task.click(page.get_by_role("button", name="Roll back to v1"))
    page.wait_for_url("**/change/")
    expect(page.locator("#ax-path-box")).to_be_hidden()
    aside(lambda: told(lane.succeed(begun(lane, lane.start(newest())))))
    expect(page.locator("#ax-status")).to_contain_text("Succeeded", timeout=PATIENCE)
    task.done(clicks=3, seconds=60)
    expect(page.locator("#ax-path")).to_contain_text("web became healthy", timeout=PATIENCE)
    expect(page.locator("#ax-path-summary")).to_contain_text("of it Axion Deploy's own")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def begun(lane: Lane, deployment: DeploymentRecord) -> DeploymentRecord:
    """The agent has begun to start things, and has seen one of them start."""
    lane.report(deployment, StageReached(stage=CommandStage.DEPLOYING, percent=50))
    web = next(service for service in deployment.services if service.name == "web")
    return lane.report(
        deployment, ServiceObserved(node_id=web.node_id, service_name="web", state="running", health="starting")
    )


def test_what_restored_itself_is_called_failed_everywhere(
    deployed_lane: Lane, opened: Callable[..., Page], address: str
) -> None:
    lane = deployed_lane
    restored = aside(lambda: lane.restore(lane.start(lane.ask(description="Try the new basket")))).id
    page = opened("owner", PHONE)
    look_at(page, f"{address}/admin/deployments/deployment/{restored}/change/")
    label = "Failed, previous version restored"
    expect(page.locator("#ax-status")).to_have_text(f"settings_backup_restore{label}")
    expect(page.locator("#ax-facts")).to_contain_text("Try the new basket")
    expect(page.locator('.ax-step[data-state="broken"]')).to_contain_text("Health check")
    expect(page.locator("#ax-timeline").get_by_text(label)).to_be_visible()
    page.goto(f"{address}/admin/deployments/deployment/?result=failed")
    expect(page.locator("#result_list")).to_contain_text(label)
    expect(page.locator("#result_list")).to_contain_text("web: unhealthy")
    look_at(page, f"{address}/admin/")
    expect(page.locator("#ax-recent")).to_contain_text("web: unhealthy")


def test_who_came_second_gets_a_new_plan_in_one_click(
    deployed_lane: Lane, opened: Callable[..., Page], address: str
) -> None:
    lane = deployed_lane
    aside(lambda: lane.store_graph(web="web:2"))
    page = opened("owner", DESK)
    look_at(page, f"{address}/admin/deployments/project/{lane.project_id}/change/")
    page.get_by_role("button", name="Add a variable").click()
    page.get_by_label("Name of the variable").fill("TOKEN")
    page.get_by_label("Value of the variable").fill("a value that nobody types twice")
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator("#ax-plan .ax-plan-head")).to_contain_text("1 to replace", timeout=PATIENCE)
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.wait_for_url("**/deployment/**")

    def another_first() -> None:
        # As if both had been reviewed at once, and the other one came first.
        mine = newest()
        theirs = lane.ask()
        Deployment.objects.filter(pk=theirs.id).update(created_at=mine.created_at - timedelta(seconds=1))
        lane.succeed(lane.start(theirs))
        told(lane.start(mine))

    aside(another_first)
    expect(page.locator("#ax-trouble")).to_contain_text("what is running", timeout=PATIENCE)
    page.get_by_role("link", name="Review the new plan").click()
    expect(page.locator("#ax-plan .ax-plan-head")).to_contain_text("1 to re", timeout=PATIENCE)
    expect(page.locator("#ax-plan")).to_contain_text("TOKEN")


@pytest.mark.usefixtures("deployed_lane")
def test_a_deployer_who_owns_nothing_deploys(
    project: Project, opened: Callable[..., Page], address: str, begin: Callable[[str], Task]
) -> None:
    page = opened("deployer", DESK)
    look_at(page, f"{address}/admin/deployments/project/{project.id}/change/")
    task = begin("a deployer who is no owner")
    task.click(page.get_by_role("button", name="Review changes"))
    expect(page.locator("#ax-plan .ax-plan-head")).to_contain_text("No changes to deploy", timeout=PATIENCE)
    task.click(page.get_by_role("button", name="Deploy", exact=True))
    page.wait_for_url("**/deployment/**")
    expect(page.locator("#ax-facts")).to_contain_text("by deployer")
    task.done(clicks=2, seconds=60)
