"""What others do shows on an open page without a reload, and the page is then what a fresh one would be."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from agents.models import Agent
from deployments import live_updates, wire
from deployments.repositories import events
from deployments.services.fleet import machine_list
from deployments.services.lifecycle.cancel import cancel_deployment
from deployments.services.requests.scale import scale_service
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.drift.stage import Stage
from tests.deployments.lane import Lane
from tests.doors.serving import aside, look_at
from tests.factories import reload

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.parametrize("page", [1280], indirect=True, ids=["desk"]),
]


@pytest.fixture
def lane(deployed_lane: Lane) -> Lane:
    aside(lambda: deployed_lane.store_graph(web="web:2", mailer="mailer:1"))
    return deployed_lane


def told(*deployments: DeploymentRecord) -> None:
    """Their events reach whoever watches."""
    for deployment in deployments:
        live_updates.push(events.after(deployment_id=deployment.id, sequence=0, limit=500))


def fresh(deployment: DeploymentRecord) -> object:
    found = reload(deployment.id)
    return wire.snapshot_shape(found, target_name=machine_list.target_name(found.target))


def open_page(page: Page, address: str, deployment: DeploymentRecord) -> None:
    look_at(page, f"{address}/admin/deployments/deployment/{deployment.id}/change/")


def test_a_rollback_by_somebody_else(page: Page, address: str, lane: Lane) -> None:
    undone = aside(lane.deployed)
    open_page(page, address, undone)
    asked = aside(lambda: lane.ask_rollback(undone))

    def begin() -> None:
        lane.start(asked)
        told(asked, undone)

    aside(begin)
    expect(page.locator("#ax-status")).to_contain_text("Rolling back")
    expect(page.locator("#ax-trouble")).to_contain_text(f"Being rolled back by {str(asked.id)[:8]}")
    expect(page.locator("#ax-links")).to_contain_text(f"rollback {str(asked.id)[:8]}: deploying")
    assert page.evaluate("axionPage.deployment()") == aside(lambda: fresh(undone))

    def give_up() -> None:
        lane.restore(asked)
        told(asked, undone)

    aside(give_up)
    expect(page.locator("#ax-status")).to_contain_text("Succeeded")
    expect(page.locator("#ax-trouble")).to_contain_text("The rollback failed")
    assert page.evaluate("axionPage.deployment()") == aside(lambda: fresh(undone))


def test_a_scale_that_starts_on_something_newer_than_it_was_asked_for(page: Page, address: str, lane: Lane) -> None:
    def ask_both() -> tuple[DeploymentRecord, DeploymentRecord]:
        holder = lane.start(lane.ask(env_vars={"NEW": "x"}))
        waiting = scale_service(
            caller=lane.caller,
            project_id=lane.project_id,
            target=lane.target,
            service_name="web",
            replicas=2,
            deployment_id=uuid4(),
            at=lane.now(),
        )
        return holder, waiting

    holder, waiting = aside(ask_both)
    open_page(page, address, waiting)
    expect(page.locator(".ax-node")).to_have_count(1)

    def begin() -> None:
        lane.succeed(holder)
        lane.start(waiting)
        told(waiting)

    aside(begin)
    expect(page.locator(".ax-node")).to_have_count(2)
    expect(page.locator("#ax-services")).to_contain_text("mailer")
    expect(page.locator("#ax-env")).to_contain_text("NEW")
    assert page.evaluate("axionPage.deployment()") == aside(lambda: fresh(waiting))


def test_a_success_is_not_said_to_run_ever_after(page: Page, address: str, lane: Lane) -> None:
    done = aside(lane.deployed)
    look_at(page, f"{address}/admin/deployments/project/{lane.project_id}/change/")
    card = page.locator(".ax-lane")
    expect(card).to_contain_text(f"Deployed {done.version}")
    expect(card).to_contain_text("Not known")
    expect(card).not_to_contain_text("Runs")
    expect(card.locator(".ax-dot")).to_have_attribute("data-tone", "idle")
    open_page(page, address, done)
    expect(page.locator("#ax-services-summary")).to_contain_text("as seen when it ended")


def test_who_holds_the_target_until_when_and_a_cancel_that_nobody_confirms(
    page: Page, address: str, lane: Lane
) -> None:
    until = "lane => new Date(lane).toLocaleTimeString([], {hour12: false, hour: '2-digit', minute: '2-digit'})"
    holder = aside(lambda: lane.start(lane.ask()))
    look_at(page, f"{address}/admin/deployments/project/{lane.project_id}/change/")
    card = page.locator(".ax-lane")
    assert holder.deadline_at is not None
    expect(card).to_contain_text(f"{lane.owner.username} started {str(holder.id)[:8]}")
    expect(card).to_contain_text(page.evaluate(until, holder.deadline_at.timestamp() * 1000))
    for name in ("Roll back", "Scale", "Stop", "History"):
        expect(card.get_by_role("link", name=name, exact=True)).to_be_visible()
    open_page(page, address, holder)

    def cancel() -> DeploymentRecord:
        asked = cancel_deployment(caller=lane.caller, deployment_id=holder.id, at=lane.now())
        told(asked)
        return asked

    asked = aside(cancel)
    assert asked.deadline_at is not None
    panel = page.locator("#ax-trouble")
    expect(panel).to_contain_text("Cancellation requested, not confirmed yet")
    expect(panel).to_contain_text(page.evaluate(until, asked.deadline_at.timestamp() * 1000))
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
    assert page.evaluate("axionPage.deployment()") == aside(lambda: fresh(holder))

    def confirm() -> None:
        told(lane.revert(holder))

    aside(confirm)
    expect(page.locator("#ax-status")).to_contain_text("Cancelled")
    expect(panel).not_to_contain_text("not confirmed")
    assert page.evaluate("axionPage.deployment()") == aside(lambda: fresh(holder))


def test_a_node_on_two_servers_is_drawn_as_it_is_where_it_is_worse(page: Page, address: str, lane: Lane) -> None:
    """What nobody knows of one server hides nothing of what is known of the other."""

    def break_it() -> None:
        stage = Stage(lane)
        stage.connect()
        stage.prove(lane.start(lane.ask(force_redeploy=True)), started=True)
        server = factories.make_server(lane.owner, name="another")
        agent = factories.make_agent(server)
        Lane(owner=lane.owner, project_id=lane.project_id, server=server, agent=agent).deployed()
        Agent.objects.filter(pk=agent.pk).update(last_seen_at=timezone.now() - timedelta(hours=1))
        stage.remove("web")

    aside(break_it)
    look_at(page, f"{address}/admin/deployments/project/{lane.project_id}/change/")
    node = page.locator(".ax-node", has_text="web")
    expect(node).to_have_attribute("data-tone", "bad", timeout=30_000)
    expect(page.locator("#ax-lanes")).to_contain_text("Not known")
