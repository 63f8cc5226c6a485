"""The pages without a mouse: landmarks, one heading, a way past the menu, and every control within reach of a key."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.deployments.lane import Lane
from tests.doors.serving import aside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
OUTLINE = """() => ({
  main: document.querySelectorAll('[role=main], main').length,
  menu: document.querySelectorAll('#nav-sidebar[role=navigation]').length,
  headings: [...document.querySelectorAll('h1:not([role]), [role=heading][aria-level="1"]')].length,
  words: [...document.querySelectorAll('#page .material-symbols-outlined')]
    .filter((each) => !each.ariaHidden && !each.ariaLabel).length,
  unreachable: [...document.querySelectorAll('#page *')].filter((each) =>
    [...each.attributes].some(({ name }) => name === 'x-on:click' || name === '@click')
      && !each.closest('a[href], button, label, [tabindex]') && !each.querySelector('input, select, textarea')).length,
})"""
PLACES = ("", "deployments/project/", "deployments/deployment/", "agents/server/", "deployments/project/new/")


TRIES = 4


def go(page: Page, address: str) -> None:
    """Open a page with its scripts; Docker's new networks make Chromium drop what it loads, so a second try is fair."""
    for _ in range(TRIES):
        page.goto(address)
        if page.locator(".ax-skip").count():
            return
    raise AssertionError(f"{address} has no way past its menu")


@pytest.mark.parametrize("page", [1280], indirect=True, ids=["desk"])
def test_every_page_has_its_landmarks_and_nothing_out_of_reach(deployed_lane: Lane, page: Page, address: str) -> None:
    project = aside(lambda: deployed_lane.project_id)
    for place in (*PLACES, f"deployments/project/{project}/change/", f"deployments/project/{project}/history/"):
        go(page, f"{address}/admin/{place}")
        found = page.evaluate(OUTLINE)
        assert found == {"main": 1, "menu": 1, "headings": found["headings"], "words": 0, "unreachable": 0}, place
        assert found["headings"] <= 1, place


@pytest.mark.parametrize("page", [1280], indirect=True, ids=["desk"])
def test_by_key_past_the_menu_and_to_the_account(page: Page, address: str) -> None:
    go(page, f"{address}/admin/deployments/project/")
    page.keyboard.press("Tab")
    expect(page.locator(".ax-skip")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    account = page.get_by_role("button", name="Account of")
    account.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
