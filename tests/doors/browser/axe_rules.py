"""The rules of axe, in both themes: nothing keeps anybody out but what is written down here."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.contract.nest import node_modules

# What breaks a rule all the same, by the beginning of rule and element, and why.
NOT_HELD: dict[str, str] = {
    "landmark-unique at fieldset": "the library's scrolling tables of members and invitations bear one name",
    "region at .mr-auto": "the library's row of tools above a list; its search and filters have names of their own",
    "region at .px-4": "the library's row of actions of a page; they are named links",
    'link-in-text-block at a[href$="password/"]': "a sentence of Django's form that links to changing a password",
}
# What another theme can change: all else is the same page.
OF_COLOURS = ("color-contrast", "link-in-text-block")
RUN = """async (only) => {
  const chosen = only.length ? { runOnly: { type: "rule", values: only } } : {};
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...chosen });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} at ${node.target.join(" ")}`));
}"""


def library() -> str:
    """Return axe itself, to be run in each page."""
    here = Path(__file__).parent / "axe"
    return (node_modules(here=here, name="axe") / "axe-core/axe.min.js").read_text()


def broken_on(page: Page, *, rules: tuple[str, ...] = ()) -> list[str]:
    """Return what breaks a rule on the page as it is now; of all rules, or of these. Axe is there already."""
    return [each for each in page.evaluate(RUN, list(rules)) if not each.startswith(tuple(NOT_HELD))]
