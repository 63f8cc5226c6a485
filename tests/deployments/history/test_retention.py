"""What counts is releases: scales, stops, rollbacks and repeats never empty a history."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.models import DeploymentHistory, Project
from deployments.repositories.upkeep.kept import KeptEntry
from deployments.services.queries import history_view
from deployments.services.requests.scale import scale_service
from deployments.services.requests.stop import stop_project
from deployments.services.upkeep import retention
from deployments.services.upkeep.retention import beyond
from deployments.states import Status
from deployments.types import DeploymentRecord
from tests.deployments.lane import Lane


def scaled(lane: Lane, replicas: int) -> DeploymentRecord:
    asked = scale_service(
        caller=lane.caller,
        project_id=lane.project_id,
        target=lane.target,
        service_name="web",
        replicas=replicas,
        deployment_id=uuid4(),
        at=lane.now(),
    )
    return lane.succeed(lane.start(asked))


def stopped(lane: Lane) -> DeploymentRecord:
    asked = stop_project(
        caller=lane.caller, project_id=lane.project_id, target=lane.target, deployment_id=uuid4(), at=lane.now()
    )
    return lane.succeed(lane.start(asked))


def released(lane: Lane, image: str) -> DeploymentRecord:
    lane.store_graph(web=image, db="db:1")
    return lane.deployed()


def kept(lane: Lane) -> list[str]:
    """The versions that are still there, the oldest first."""
    while retention.drop_beyond_retention(at=lane.now()):
        pass
    rows = DeploymentHistory.objects.filter(project_id=lane.project_id, dropped_at__isnull=True)
    return list(rows.order_by("number").values_list("version", flat=True))


@pytest.mark.parametrize("times", [3, 8])
def test_scales_never_take_the_release_that_a_rollback_needs(lane: Lane, times: int) -> None:
    Project.objects.filter(pk=lane.project_id).update(retention=3)
    released(lane, "web:1")
    second = released(lane, "web:2")
    for number in range(times):
        scaled(lane, number % 4 + 2)
    assert set(kept(lane)) >= {"v1", "v2", f"v{times + 2}"}
    rollback = lane.succeed(lane.start(lane.ask_rollback(second)))
    assert rollback.status is Status.SUCCESS
    assert {service.image for service in rollback.services} == {"web:1", "db:1"}


def test_the_images_of_kept_releases_stay(lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(retention=2)
    released(lane, "web:1")
    released(lane, "web:2")
    for number in range(5):
        scaled(lane, number + 2)
    kept(lane)
    (needed,) = history_view.kept_images(target_ids=[lane.server.id])
    assert needed.image_ids == ("sha256:db:1", "sha256:web:1", "sha256:web:2")


def test_stops_and_rollbacks_never_take_a_release(lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(retention=2)
    first = released(lane, "web:1")
    released(lane, "web:2")
    for _ in range(3):
        lane.succeed(lane.start(lane.ask_rollback(stopped(lane), to=first)))
    assert set(kept(lane)) >= {"v1", "v2", "v8"}


def test_what_was_rolled_back_takes_no_place_of_a_release(lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(retention=2)
    released(lane, "web:1")
    released(lane, "web:2")
    for bad in ("web:3", "web:4", "web:5"):
        lane.succeed(lane.start(lane.ask_rollback(released(lane, bad))))
    assert {"v1", "v2"} <= set(kept(lane))


def test_the_same_release_again_takes_no_place(lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(retention=2)
    released(lane, "web:1")
    released(lane, "web:2")
    for _ in range(4):
        lane.deployed()
    assert set(kept(lane)) == {"v1", "v6"}


def test_the_oldest_release_goes_and_the_last_state_before_the_next_stays(lane: Lane) -> None:
    Project.objects.filter(pk=lane.project_id).update(retention=2)
    released(lane, "web:1")
    released(lane, "web:2")
    scaled(lane, 3)
    released(lane, "web:3")
    for number in range(5):
        scaled(lane, number + 2)
    # v3 is what a rollback of v4 brings back; v9 runs, v8 is the other of the two newest scales.
    assert kept(lane) == ["v2", "v3", "v4", "v8", "v9"]


def test_repeats_of_one_release_fill_what_nothing_else_takes() -> None:
    entries = [KeptEntry(id=uuid4(), kind="deploy", content="a", rolled_back=False, needed=False) for _ in range(5)]
    assert beyond(entries, keep=3) == {entry.id for entry in entries[3:]}


ENTRIES = st.lists(
    st.builds(
        KeptEntry,
        id=st.uuids(),
        kind=st.sampled_from(["deploy", "deploy", "scale", "stop", "rollback"]),
        content=st.sampled_from("abcdef"),
        rolled_back=st.booleans(),
        needed=st.booleans(),
    ),
    max_size=30,
    unique_by=lambda entry: entry.id,
)


@settings(max_examples=60)
@given(entries=ENTRIES, keep=st.integers(1, 6))
def test_for_any_history(entries: list[KeptEntry], keep: int) -> None:
    gone = beyond(entries, keep=keep)
    left = [entry for entry in entries if entry.id not in gone]
    assert len(left) >= min(keep, len(entries))
    assert len([entry for entry in left if not entry.needed]) <= 3 * keep + 1
    assert not gone & {entry.id for entry in entries if entry.needed}
    assert left[:1] == entries[:1]
    releases: dict[str, UUID] = {}
    for entry in entries:
        if entry.kind == "deploy" and not entry.rolled_back:
            releases.setdefault(entry.content, entry.id)
    assert not gone & set(list(releases.values())[:keep])
