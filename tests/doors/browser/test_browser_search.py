"""The search over everything, by keyboard alone and as a screen reader hears it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.deployments.lane import Lane
from tests.doors.browser.test_browser_keyboard import go
from tests.doors.serving import aside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
WAIT_MS = 30_000


@pytest.mark.parametrize("page", [1280, 390], indirect=True, ids=["desk", "phone"])
def test_a_project_is_found_and_opened_by_key(deployed_lane: Lane, page: Page, address: str) -> None:
    project = aside(lambda: factories.project_of(deployed_lane.project_id))
    go(page, f"{address}/admin/agents/server/")
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Search")
    text = dialog.get_by_role("combobox")
    expect(text).to_be_focused()

    text.fill("no such thing anywhere")
    expect(dialog.get_by_role("status")).to_have_text("Nothing found.", timeout=WAIT_MS)
    expect(text).to_have_attribute("aria-expanded", "false")
    text.fill(project.name.lower())
    first = dialog.get_by_role("option").first
    expect(first).to_contain_text(project.name, timeout=WAIT_MS)
    expect(first).to_have_attribute("aria-selected", "true")
    assert text.get_attribute("aria-activedescendant") == first.get_attribute("id")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/deployments/project/{project.pk}/change/", timeout=WAIT_MS)


@pytest.mark.parametrize("page", [390], indirect=True, ids=["phone"])
def test_the_button_opens_it_and_escape_gives_the_focus_back(page: Page, address: str) -> None:
    go(page, f"{address}/admin/")
    button = page.get_by_role("button", name="Search", exact=True)
    button.click()
    expect(page.get_by_role("dialog", name="Search")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Search")).to_be_hidden()
    expect(button).to_be_focused()
