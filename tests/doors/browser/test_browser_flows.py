"""The way of a person through the pages: see the plan, deploy just that, look into the history, go back."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from deployments.models import Deployment
from deployments.states import Status
from tests.deployments.lane import Lane
from tests.doors.serving import aside, look_at
from tests.factories import reload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SECRET = "unique-value-of-a-variable"


@pytest.fixture
def lane(deployed_lane: Lane) -> Lane:
    aside(lambda: deployed_lane.store_graph(web="web:2"))
    return deployed_lane


def see_plan(page: Page, said: str) -> None:
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator("#ax-plan .ax-plan-head")).to_contain_text(said, timeout=20_000)


def id_of(page: Page) -> UUID:
    return UUID(page.url.rstrip("/").split("/")[-2])


def test_from_the_plan_over_the_history_back(page: Page, address: str, lane: Lane) -> None:
    project = f"{address}/admin/deployments/project/{lane.project_id}"
    look_at(page, f"{project}/change/")
    page.get_by_role("button", name="Add a variable").click()
    page.get_by_label("Name of the variable").fill("TOKEN")
    page.get_by_label("Value of the variable").fill(SECRET)
    see_plan(page, "1 to replace")
    expect(page.locator(".ax-plan-row")).to_contain_text("TOKEN added")
    page.keyboard.press("Escape")
    expect(page.locator("#ax-plan-dialog")).not_to_be_visible()
    # Signed out in between, and in again from another tab: what was typed is still there.
    kept = page.context.cookies()
    page.context.clear_cookies(name=re.compile("-session$"))
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("You are signed out", timeout=20_000)
    page.keyboard.press("Escape")
    page.context.add_cookies(kept)  # type: ignore[arg-type]  # a cookie as it was told
    see_plan(page, "1 to replace")
    expect(page.locator(".ax-plan-row")).to_contain_text("TOKEN added")

    aside(lambda: lane.store_graph(web="web:3", mailer="mailer:1"))
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("graph", timeout=20_000)
    expect(page.locator(".ax-plan-head")).to_contain_text("1 to create, 1 to replace")
    assert SECRET not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.wait_for_url("**/deployment/**", timeout=20_000)
    asked = aside(lambda: reload(id_of(page)))
    assert asked.approval
    aside(lambda: lane.succeed(lane.start(asked)))

    page.goto(f"{project}/history/")
    expect(page.locator(".ax-version").first).to_contain_text("Current")
    page.get_by_role("link", name="Changes").click()
    expect(page.locator(".ax-env")).to_contain_text("TOKEN")
    page.go_back()
    page.get_by_role("link", name="Roll back to this").click()
    expect(page.locator(".ax-plan-head")).to_contain_text("1 to replace, 1 to remove")
    page.get_by_role("button", name="Roll back to v1").click()
    page.wait_for_url("**/change/", timeout=20_000)
    made = aside(lambda: Deployment.objects.select_related("restores").get(pk=id_of(page)))
    assert (made.kind, made.status, made.rollback_of_id) == ("rollback", Status.PENDING, asked.id)
    assert made.restores is not None
    assert made.restores.version == "v1"
    expect(page.locator("#ax-links")).to_contain_text("restores v1")
