"""The page of a project's logs: lines as they come, what is left out, and what nobody can read."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect
from redis import Redis

from agents.contracts.version import LOGS_PROTOCOL
from agents.models import Agent
from agents.reports.log_lines import ContainerLine, LogBatch, LogReader
from deployments import log_relay
from tests.deployments.lane import Lane
from tests.doors.serving import aside, look_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
MARKUP = "<img src=x onerror=alert(1)>"


def asked(agent_id: UUID) -> UUID:
    """The request that the page made, as a gateway finds it."""
    redis = Redis.from_url(settings.REDIS_URL)
    give_up_at = time.monotonic() + 15
    while time.monotonic() < give_up_at:
        for key in redis.scan_iter("axion:logs:*"):
            name = key.decode().split(":")[2]
            if log_relay.find_request(request_id=UUID(name), agent_id=agent_id) is not None:
                return UUID(name)
        time.sleep(0.05)
    raise AssertionError("the page asked for nothing")


def line(second: int, text: str, **more: Any) -> ContainerLine:
    at_ns = int(datetime(2026, 11, 28, 10, 0, second, tzinfo=UTC).timestamp()) * 1_000_000_000
    return ContainerLine(**{"at_ns": at_ns, "service": "web", "container": "web-1", "text": text, **more})


def test_lines_come_while_the_page_is_open(page: Page, address: str, deployed_lane: Lane) -> None:
    agent_id = deployed_lane.agent.id
    aside(lambda: Agent.objects.filter(pk=agent_id).update(protocol=LOGS_PROTOCOL, last_seen_at=datetime.now(UTC)))
    look_at(page, f"{address}/admin/deployments/project/{deployed_lane.project_id}/logs/")
    request_id = asked(agent_id)

    def push(**batch: Any) -> LogReader:
        return log_relay.push(request_id=request_id, agent_id=agent_id, batch=LogBatch(**batch))

    push(lines=(line(1, "first"), line(2, MARKUP)), caught_up=True, remarks=("one container is left out",))
    expect(page.locator(".ax-line")).to_have_count(2)
    expect(page.locator(".ax-line-text").last).to_have_text(MARKUP)
    expect(page.locator("#ax-logs-remarks")).to_contain_text("one container is left out")
    push(lines=(line(3, "after a flood", is_error_stream=True),), left_out=1234)
    expect(page.locator(".ax-line").nth(2)).to_contain_text("1234 lines left out")
    expect(page.locator(".ax-line").nth(3)).to_contain_text("after a flood")
    page.get_by_label("Containing").fill("flood")
    page.get_by_role("button", name="Read").click()
    page.wait_for_url("**search=flood**")
    # The page that was left reads no more.
    give_up_at = time.monotonic() + 30
    while push() is not LogReader.HAS_GONE:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def test_an_agent_that_is_away_is_named(page: Page, address: str, deployed_lane: Lane) -> None:
    old = datetime(2026, 1, 2, tzinfo=UTC)
    aside(lambda: Agent.objects.filter(pk=deployed_lane.agent.id).update(last_seen_at=old))
    look_at(page, f"{address}/admin/deployments/project/{deployed_lane.project_id}/logs/")
    expect(page.locator("#ax-logs-remarks")).to_contain_text("silent since 2026-01-02")
