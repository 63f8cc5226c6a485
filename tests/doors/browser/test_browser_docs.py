"""The operators' pages in a browser: they live with our Content-Security-Policy, and the search finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from tests.docs.building import build_docs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
# Docker's new networks make Chromium drop what it loads.
DROPPED = "ERR_NETWORK_CHANGED"


@pytest.fixture
def complaints(browser: Browser, settings: Settings, tmp_path: Path) -> Iterator[tuple[Page, list[str]]]:
    """A page of somebody who has not signed in, and what the browser complains of."""
    settings.DOCS_ROOT = build_docs(tmp_path / "docs")
    context = browser.new_context()
    page = context.new_page()
    heard: list[str] = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    yield page, heard
    context.close()


def test_pages_work_under_our_policy(complaints: tuple[Page, list[str]], address: str) -> None:
    page, heard = complaints
    page.goto(f"{address}/docs/reference/settings.html")
    expect(page.get_by_role("heading", name="Settings").first).to_be_visible()
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("takeover")
    expect(page.locator(".md-search-result__link").first).to_be_visible(timeout=15_000)
    page.goto(f"{address}/docs/quick-start-ru.html")
    expect(page.get_by_role("heading", name="Быстрый старт").first).to_be_visible()
    assert [text for text in heard if DROPPED not in text] == []
