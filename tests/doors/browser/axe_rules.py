"""Every page by the rules of axe, in both themes: nothing keeps anybody out but what is written down here."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.contract.nest import node_modules
from tests.doors.browser.crowded import crowd
from tests.doors.browser.pages_table import CROWDED, NOTHING_YET
from tests.doors.browser.test_browser_pages import Onlooker, onlooker
from tests.doors.people import People
from tests.doors.serving import aside

__all__ = ["onlooker"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
# What breaks a rule all the same, by the beginning of rule and element, and why.
NOT_HELD: dict[str, str] = {
    "landmark-unique at fieldset": "the library's scrolling tables of members and invitations bear one name",
    "region at .mr-auto": "the library's row of tools above a list; its search and filters have names of their own",
    "region at .px-4": "the library's row of actions of a page; they are named links",
    'link-in-text-block at a[href$="password/"]': "a sentence of Django's form that links to changing a password",
}
# Not ours: the page to try the API is a library's, whole.
NOT_OURS = {"the page of the API"}
# What another theme can change: all else is the same page.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
RUN = """async (only) => {
  const chosen = only.length ? { runOnly: { type: "rule", values: only } } : {};
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...chosen });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} at ${node.target.join(" ")}`));
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    here = Path(__file__).parent / "axe"
    return (node_modules(here=here, name="axe") / "axe-core/axe.min.js").read_text()


def broken_on(page: Page, axe: str) -> list[str]:
    """What is wrong in both themes."""
    page.evaluate(axe)
    found = []
    for theme, rules in (("light", []), ("dark", OF_COLOURS)):
        page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", theme == "dark")
        found += [f"{theme}: {each}" for each in page.evaluate(RUN, rules) if not each.startswith(tuple(NOT_HELD))]
    return found


@pytest.mark.timeout(600)
def test_pages_of_a_full_installation(onlooker: Onlooker, people: People, axe: str) -> None:
    rows = aside(lambda: crowd(people.users["root"]))
    wrong = []
    for name, path in CROWDED.items():
        if name not in NOT_OURS:
            onlooker.visit(path.format(**rows))
            wrong += [f"{name}: {each}" for each in broken_on(onlooker.page, axe)]
    assert not wrong, "\n".join(wrong)


def test_pages_before_there_is_anything(onlooker: Onlooker, axe: str) -> None:
    wrong = []
    for name, path in NOTHING_YET.items():
        onlooker.visit(path)
        wrong += [f"{name}: {each}" for each in broken_on(onlooker.page, axe)]
    assert not wrong, "\n".join(wrong)
