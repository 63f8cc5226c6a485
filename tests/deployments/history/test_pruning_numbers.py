"""Details are kept for so many deployments of a project, whatever their age."""

from __future__ import annotations

from pytest_django.fixtures import Settings

from deployments.models import (
    DeploymentEvent,
    Project,
)
from deployments.services.queries import lookups
from tests.deployments.history.aging import age, now_is_the_time, released, tidy  # noqa: F401 - a fixture
from tests.deployments.lane import Lane


def test_details_beyond_the_newest_so_many_go_whatever_their_age(lane: Lane, settings: Settings) -> None:
    settings.AXION_KEEP_DETAILS_NUMBER = 2
    Project.objects.update(retention=1)
    deployments = [released(lane, f"web:{number}") for number in range(5)]
    age(0.001)
    tidy(lane)
    with_events = {each.id for each in deployments if DeploymentEvent.objects.filter(deployment=each.id).exists()}
    assert with_events == {each.id for each in deployments[-2:]}
    page = lookups.events_page(caller=lane.caller, deployment_id=deployments[0].id, sequence=0, limit=10)
    assert (page.events, page.forgotten) == ((), True), "who asks for what is gone is told so"


def test_what_history_needs_stays_beyond_any_number(lane: Lane, settings: Settings) -> None:
    settings.AXION_KEEP_DETAILS_NUMBER = 1
    deployments = [released(lane, f"web:{number}") for number in range(3)]
    age(0.001)
    tidy(lane)
    assert all(DeploymentEvent.objects.filter(deployment=each.id).exists() for each in deployments)
