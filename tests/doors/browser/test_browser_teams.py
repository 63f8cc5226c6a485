"""A person from nothing to deploying: added, let in by links, and with a second person's approval."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from deployments.models import Project, TargetGrant, User
from tests import factories
from tests.doors.browser.tasks import Task
from tests.doors.conftest import sign_in
from tests.doors.people import People
from tests.doors.serving import aside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PATIENCE = 30_000
TRIES = 4
PASSWORD = "a-tall-oak-in-43-winds"


def window(browser: Browser, *, people: People, address: str, name: str = "") -> Page:
    """Open a window; with a name, this person is signed in."""
    context = browser.new_context(viewport={"width": 390, "height": 850})
    context.set_default_timeout(PATIENCE)
    if name:
        sign_in(context, people=people, name=name, address=address)
    return context.new_page()


def test_a_new_person_deploys_where_a_second_person_approved(
    project: Project, browser: Browser, people: People, address: str, begin: Callable[[str], Task]
) -> None:
    def opened(name: str = "") -> Page:
        return window(browser, people=people, address=address, name=name)

    root = opened("root")
    visit(root, f"{address}/admin/deployments/user/add/")
    root.get_by_label("User name").fill("newcomer")
    root.get_by_role("button", name="Add and create the link").click()
    to_password = root.locator("#person-link").inner_text()

    owner = opened("owner")
    visit(owner, f"{address}/admin/deployments/project/{project.pk}/people/")
    # What was typed is still there when it is refused.
    owner.get_by_label("User name").fill("owner")
    owner.locator("#ax-role").select_option("editor")
    owner.get_by_role("button", name="Invite", exact=True).click()
    expect(owner.get_by_role("alert")).to_contain_text("owner")
    expect(owner.get_by_label("User name")).to_have_value("owner")
    expect(owner.locator("#ax-role")).to_have_value("editor")
    visit(owner, f"{address}/admin/deployments/project/{project.pk}/people/")
    expect(owner.get_by_label("User name")).to_have_value("")
    owner.locator("#ax-link-role").select_option("deployer")
    owner.get_by_role("button", name="Create a link").click()
    to_project = owner.locator("#ax-new-link").inner_text()

    newcomer = opened()
    visit(newcomer, to_password)
    newcomer.get_by_label("Password", exact=False).first.fill(PASSWORD)
    newcomer.get_by_label("Repeat the password").fill(PASSWORD)
    newcomer.get_by_role("button", name="Set the password").click()
    sign_in_by_hand(newcomer, name="newcomer")
    visit(newcomer, to_project)
    newcomer.get_by_role("button", name="Join").click()
    expect(newcomer.get_by_role("heading", name=project.name, exact=True)).to_be_visible()

    aside(lambda: factories.make_agent(factories.make_server(User.objects.get(username="newcomer"), name="mine")))
    targets = f"{address}/admin/deployments/project/{project.pk}/targets/"
    visit(newcomer, targets)
    asked = begin("a second person's approval, asked for")
    asked.click(newcomer.get_by_role("button", name="Offer mine"))
    expect(newcomer.get_by_text("nobody has allowed it for the project yet")).to_be_visible()
    asked.done(clicks=1, seconds=60)
    assert aside(lambda: TargetGrant.objects.get().project_side_by) is None

    # Who may edit the project cannot approve; who may approve is asked for nothing else.
    editor = opened("editor")
    visit(editor, targets)
    expect(editor.get_by_text("nobody has allowed it for the project yet")).to_be_visible()
    expect(editor.get_by_role("button", name="Allow mine")).to_have_count(0)
    approver = opened("approver")
    visit(approver, targets)
    given = begin("a second person's approval, given")
    given.click(approver.get_by_role("button", name="Allow mine"))
    expect(approver.get_by_text("Allowed by approver, offered by newcomer")).to_be_visible()
    given.done(clicks=1, seconds=60)

    visit(newcomer, f"{address}/admin/deployments/project/{project.pk}/change/")
    expect(newcomer.get_by_role("button", name="Review changes")).to_be_enabled()
    expect(newcomer.get_by_role("link", name="Settings")).to_have_count(0)


def visit(page: Page, address: str) -> None:
    """Open a page; Docker's new networks make Chromium drop what it loads, so a second try is fair."""
    for attempt in range(TRIES):
        try:
            page.goto(address, wait_until="load")
            return
        except Error:
            if attempt == TRIES - 1:
                raise


def sign_in_by_hand(page: Page, *, name: str) -> None:
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
