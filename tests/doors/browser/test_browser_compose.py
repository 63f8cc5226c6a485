"""Compose files on a phone: paste, look at what becomes of each line, store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from deployments.models import GraphVersion
from tests.deployments.lane import Lane
from tests.doors.serving import aside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
FILE = """services:
  web:
    image: nginx:1
    environment: {DB_HOST: db, API_TOKEN: unique-token-of-a-file, LONG: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}
    volumes: [./a/very/long/path/to/a/configuration/that/is/not/here.conf:/etc/nginx/conf.d/default.conf]
    mem_swappiness: 1
  db: {image: 'postgres:16', environment: {POSTGRES_PASSWORD: unique-token-of-a-file}}
"""


def shot(page: Page, name: str) -> None:
    """Keep a picture where somebody asked for pictures."""
    if folder := os.environ.get("AXION_TEST_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}-{page.evaluate('innerWidth')}.png"), full_page=True)


def test_from_a_pasted_file_to_a_stored_graph(page: Page, address: str, deployed_lane: Lane) -> None:
    page.goto(f"{address}/admin/deployments/project/{deployed_lane.project_id}/compose/")
    shot(page, "compose-empty")
    page.get_by_label("Or the text of compose.yml").fill("services: [")
    page.get_by_role("button", name="Preview import").click()
    expect(page.get_by_role("alert").first).to_contain_text("compose.yml:")
    page.get_by_label("Or the text of compose.yml").fill(FILE)
    page.get_by_role("button", name="Preview import").click()
    expect(page.get_by_role("heading", name="Nothing stored yet")).to_be_visible()
    expect(page.get_by_text("Needed from you")).to_be_visible()
    shot(page, "compose-report")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="Stored as version")).to_be_visible()
    report = page.locator("section", has=page.get_by_role("heading", name="Stored as version")).inner_text()
    assert "unique-token-of-a-file" not in report
    stored = aside(lambda: GraphVersion.objects.filter(project=deployed_lane.project_id).order_by("-version")[0].graph)
    assert {"web", "db"} <= {node["id"] for node in stored["nodes"]}
