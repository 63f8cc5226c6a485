"""Every page at a desk and on a phone: nothing sticks out or fails, words can be read, the rules of axe are held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect

from tests.doors.browser import axe_rules
from tests.doors.browser.crowded import crowd
from tests.doors.browser.pages_table import CROWDED, NOTHING_YET
from tests.doors.conftest import sign_in
from tests.doors.people import People
from tests.doors.serving import aside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
LOOK = (Path(__file__).parent / "looking.js").read_text()
DESK, PHONE = {"width": 1280, "height": 850}, {"width": 390, "height": 850}
TRIES = 4
HEADING_MS = 10_000
# Docker's new networks make Chromium drop what it loads.
DROPPED = "ERR_NETWORK_CHANGED"
# What stands where no view of ours answers.
ERROR_PAGES = ("400.html", "403.html", "403_csrf.html", "404.html", "500.html", "503.html", "refused.html")
# Not ours: these pages are a library's, whole.
NOT_OURS = {"the page of the API", "sign in"}


class Onlooker:
    """Opens pages and notes what is wrong with each."""

    def __init__(self, *, page: Page, address: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        self._axe = axe_rules.library()
        self._address = address
        self._said: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._said.append(str(error)))
        page.on("requestfailed", self._failed)

    def open(self, path: str, *, name: str) -> None:
        """Open a page and look at it; what Docker's new networks made Chromium drop is loaded again."""
        for _ in range(TRIES):
            self._said.clear()
            try:
                self.page.goto(f"{self._address}{path}", wait_until="load")
                self.page.locator("h1:visible, h2:visible").first.wait_for(timeout=HEADING_MS)
            except Error as error:
                self._said.append(error.message)
            if self._was_dropped():
                continue
            self.look(name)
            if not self._was_dropped():
                return
            self.wrong = [each for each in self.wrong if not each.startswith(f"{name}: ")]
        self.look(name)

    def look(self, name: str) -> None:
        """At both widths, and in both themes; by the rules of axe where the page is ours."""
        by_rules = name not in NOT_OURS
        if by_rules:
            self.page.evaluate(self._axe)
        found = [*self._at(DESK, dark=False), *(f"light: {each}" for each in self._broken(by_rules))]
        found += self._at(DESK, dark=True)
        found += (f"dark: {each}" for each in self._broken(by_rules, axe_rules.OF_COLOURS))
        found += self._at(PHONE, dark=True)
        self.wrong += [f"{name}: {each}" for each in dict.fromkeys([*found, *self._said])]

    def _at(self, size: Mapping[str, int], *, dark: bool) -> list[str]:
        self.page.set_viewport_size({"width": size["width"], "height": size["height"]})
        self.page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", dark)
        tones = size is DESK
        return [f"{size['width']}{' dark' if dark else ''}: {each}" for each in self.page.evaluate(f"({LOOK})", tones)]

    def _broken(self, by_rules: bool, rules: tuple[str, ...] = ()) -> list[str]:
        return axe_rules.broken_on(self.page, rules=rules) if by_rules else []

    def _was_dropped(self) -> bool:
        return any(DROPPED in said for said in self._said)

    def _heard(self, message: ConsoleMessage) -> None:
        refused = "Failed to load resource" in message.text and message.location["url"] == self.page.url
        if message.type == "error" and not refused:
            self._said.append(message.text)

    def _failed(self, request: Request) -> None:
        if request.failure and DROPPED in request.failure:
            self._said.append(request.failure)


@pytest.fixture
def onlooker(people: People, browser: Browser, address: str) -> Iterator[Onlooker]:
    context = browser.new_context()
    sign_in(context, people=people, name="root", address=address)
    yield Onlooker(page=context.new_page(), address=address)
    context.close()


def test_before_there_is_anything(onlooker: Onlooker) -> None:
    for name, path in NOTHING_YET.items():
        onlooker.open(path, name=name)
    onlooker.page.context.clear_cookies()
    onlooker.open("/admin/login/", name="sign in")
    onlooker.open("/no-such-page", name="404 for nobody")
    for template in ERROR_PAGES:
        onlooker.page.set_content(render_to_string(template, {"headline": "Too many attempts", "what": "Wait 5 s."}))
        onlooker.look(template)
    assert not onlooker.wrong, "\n".join(onlooker.wrong)


@pytest.mark.timeout(600)
def test_with_too_much_of_everything(onlooker: Onlooker, people: People) -> None:
    rows = aside(lambda: crowd(people.users["root"]))
    for name, path in CROWDED.items():
        onlooker.open(path.format(**rows), name=name)
    onlooker.page.get_by_role("button", name="Review changes").click()
    expect(onlooker.page.locator("#ax-plan .ax-plan-row")).to_have_count(60, timeout=20_000)
    onlooker.look("what will happen")
    assert not onlooker.wrong, "\n".join(onlooker.wrong)
