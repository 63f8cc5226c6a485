"""Details are kept for so many deployments of a project, whatever their age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pytest_django.fixtures import Settings

from deployments.models import (
    AgentInstallation,
    CodeBundle,
    DeploymentEvent,
    Project,
    VariableChange,
    VolumeDeletion,
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


def test_code_that_nothing_names_is_kept_up_to_a_number_and_none_that_comes_in(lane: Lane, settings: Settings) -> None:
    settings.AXION_KEEP_DETAILS_NUMBER = 2
    for number in range(5):
        CodeBundle.objects.create(digest=f"d{number}", content=b"", size=0)
        CodeBundle.objects.filter(pk=f"d{number}").update(created_at=datetime.now(UTC) - timedelta(hours=9 - number))
    CodeBundle.objects.create(digest="new", content=b"", size=0)
    tidy(lane)
    assert set(CodeBundle.objects.values_list("pk", flat=True)) == {"d3", "d4", "new"}


def test_what_was_done_is_kept_up_to_a_number_and_what_is_at_work_beyond_it(lane: Lane, settings: Settings) -> None:
    settings.AXION_KEEP_DETAILS_NUMBER = 2
    usual = {
        "requested_by_id": lane.caller.user_id,
        "requested_by_name": "alice",
        "deadline_at": datetime.now(UTC) + timedelta(hours=1),
    }
    for number in range(4):
        at = datetime.now(UTC) - timedelta(minutes=9 - number)
        ended, state = (None, "pending") if number == 0 else (at, "deleted")
        VolumeDeletion.objects.create(
            project_id=lane.project_id, server_id=lane.target.id, volume=f"v{number}", requested_at=at,
            state=state, ended_at=ended, **usual,
        )  # fmt: skip
        AgentInstallation.objects.create(
            server_id=lane.target.id, action="install", state="running" if number == 0 else "succeeded",
            requested_at=at, ended_at=ended, port=22, **usual,
        )  # fmt: skip
        VariableChange.objects.create(
            project_id=lane.project_id, scope="project", name=f"N{number}", version=1, action="set", changed_at=at
        )
    tidy(lane)
    assert set(VolumeDeletion.objects.values_list("volume", flat=True)) == {"v0", "v2", "v3"}
    assert AgentInstallation.objects.filter(state="running").count() == 1
    assert AgentInstallation.objects.count() == 3
    assert set(VariableChange.objects.values_list("name", flat=True)) == {"N2", "N3"}
    VolumeDeletion.objects.filter(state="deleted").update(
        ended_at=datetime.now(UTC) - timedelta(days=settings.AXION_KEEP_AUDIT_DAYS + 1)
    )
    tidy(lane)
    assert not VolumeDeletion.objects.filter(state="deleted").exists()
