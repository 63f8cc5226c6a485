"""The page in a real browser, on a real server: it moves by itself and ends up exactly where a fresh page would be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from agents.models import Server
from deployments import live_updates, wire
from deployments.event_types import EventType, NewEvent, service_changed
from deployments.models import Deployment, GraphVersion, Project
from deployments.repositories import deployments, events
from deployments.repositories.deployments import Outcome
from deployments.services.fleet import machine_list
from deployments.states import Reason, Stage, Transition
from tests import factories
from tests.doors.serving import aside, look_at
from tests.doors.sockets import line, stage
from tests.factories import later

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
GRAPH = {
    "nodes": [
        {
            "id": f"n-{name}",
            "type": kind,
            "data": {"serviceName": name, "config": {}},
            "position": {"x": 250 * at, "y": 0},
        }
        for at, (name, kind) in enumerate([("web", 1), ("db", 2)])
    ],
    "edges": [{"id": "e", "source": "n-web", "target": "n-db", "type": 3}],
}


@pytest.fixture
def project_with_graph(project: Project) -> Project:
    aside(lambda: GraphVersion.objects.filter(project=project).update(graph=GRAPH))
    return project


@pytest.fixture
def deployment(project_with_graph: Project, server: Server) -> Deployment:
    return aside(lambda: factories.make_deployment(project_with_graph, server, env_vars={"PASSWORD": "1:sealed"}))


def tell(deployment: Deployment, *new: NewEvent, seconds: float = 1) -> None:
    def work() -> None:
        with transaction.atomic():
            records = events.append(deployment_id=deployment.id, events=new, at=later(seconds))
        live_updates.push(records)

    aside(work)


def move(deployment: Deployment, transition: Transition, *, seconds: float, outcome: Outcome | None = None) -> None:
    def work() -> None:
        with transaction.atomic():
            deployments.advance(deployment_id=deployment.id, transition=transition, at=later(seconds), outcome=outcome)
        push_all(deployment)

    aside(work)


def push_all(deployment: Deployment) -> None:
    live_updates.push(events.after(deployment_id=deployment.id, sequence=0, limit=500))


def change_service(deployment: Deployment, name: str, **fields: object) -> None:
    def work() -> None:
        found = deployments.get(deployment_id=deployment.id)
        services = tuple(replace(s, **fields) if s.name == name else s for s in found.services)  # type: ignore[arg-type]
        with transaction.atomic():
            deployments.store_progress(deployment_id=deployment.id, services=services, at=later(3))
            changed = [service_changed(s) for s in services if s.name == name]
            events.append(deployment_id=deployment.id, events=changed, at=later(3))
        push_all(deployment)

    aside(work)


def reach(deployment: Deployment, percent: int) -> None:
    def work() -> None:
        with transaction.atomic():
            deployments.store_progress(deployment_id=deployment.id, stage=Stage.BUILDING, percent=percent, at=later(2))
            events.append(deployment_id=deployment.id, events=[stage(percent)], at=later(2))
        push_all(deployment)

    aside(work)


def fresh(deployment: Deployment) -> object:
    def work() -> object:
        found = deployments.get(deployment_id=deployment.id)
        return wire.snapshot_shape(found, target_name=machine_list.target_name(found.target))

    return aside(work)


def test_a_deployment_moves_by_itself_and_ends_as_a_fresh_page_would(
    page: Page, address: str, deployment: Deployment
) -> None:
    look_at(page, f"{address}/admin/deployments/deployment/{deployment.id}/change/")
    expect(page.locator("#ax-status")).to_contain_text("Queued")
    move(deployment, Transition.START, seconds=1)
    expect(page.locator("#ax-status")).to_contain_text("Deploying")
    reach(deployment, 40)
    expect(page.locator("#ax-percent")).to_have_text("40 %")
    tell(deployment, line("<b>not markup</b>"), line("second"))
    expect(page.locator("#ax-log")).to_contain_text("<b>not markup</b>")
    change_service(deployment, "web", state="running", health="unhealthy", error_message="answers 500")
    expect(page.locator(".ax-service").first).to_contain_text("Unhealthy")
    expect(page.locator(".ax-node", has_text="web")).to_have_attribute("data-tone", "bad")
    outcome = Outcome(reason=Reason.UNHEALTHY, message="It answers 500.", failed_service="web", log_tail=("boom",))
    move(deployment, Transition.FAIL, seconds=9, outcome=outcome)
    expect(page.locator("#ax-trouble")).to_contain_text("web did not become healthy")
    expect(page.locator("#ax-trouble")).to_contain_text("boom")
    assert page.evaluate("axionPage.deployment()") == fresh(deployment)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_that_was_cut_off_comes_back_to_exactly_the_same(
    page: Page, address: str, deployment: Deployment
) -> None:
    look_at(page, f"{address}/admin/deployments/deployment/{deployment.id}/change/")
    page.context.set_offline(True)
    page.evaluate("axionPage.socket.socket.close()")
    expect(page.locator("#ax-connection")).to_contain_text("reconnecting", timeout=10_000)
    tell(deployment, NewEvent(type=EventType.CANCEL_REQUESTED, payload={"requestedBy": "owner"}), line("while away"))
    page.context.set_offline(False)
    expect(page.locator("#ax-connection")).to_contain_text("Live", timeout=20_000)
    expect(page.locator("#ax-log")).to_contain_text("while away")
    assert page.locator("#ax-log .ax-line", has_text="while away").count() == 1


def test_deploying_from_the_projects_page_is_seen_by_who_watches(
    page: Page, address: str, project_with_graph: Project, server: Server
) -> None:
    look_at(page, f"{address}/admin/deployments/project/{project_with_graph.id}/change/")
    expect(page.locator("#ax-recent")).to_contain_text("No deployments yet")

    def work() -> None:
        made = factories.make_deployment(project_with_graph, server)
        with transaction.atomic():
            records = events.append(deployment_id=made.id, events=[stage(5)], at=later(1))
        live_updates.push(records)

    aside(work)
    expect(page.locator("#ax-recent .ax-item")).to_have_count(1)
    expect(page.locator("#ax-lanes")).to_contain_text("1 waiting")
    page.get_by_role("button", name="Add a variable").click()
    expect(page.get_by_label("Value of the variable")).to_have_attribute("type", "password")
