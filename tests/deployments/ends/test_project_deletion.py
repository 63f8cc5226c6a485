"""A project goes: stopped with proof first, found again after every crash, its history readable, its name free."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from agents.models import CommandRecord
from agents.states import CommandOutcome
from deployments.data.end_types import DeletionState
from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.models import Deployment, Project, ProjectDeletion, ProjectSecret, User, VolumeDeletion
from deployments.repositories import projects
from deployments.repositories.ends import volume_deletions
from deployments.repositories.search import search_rows
from deployments.repositories.upkeep import usage
from deployments.services.ends import project_deletion, volumes
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.queries import history_view, lookups
from tests import factories
from tests.deployments.ends.test_volumes import answer, tell
from tests.deployments.lane import Lane


def begin(lane: Lane, *, by: User | None = None, name: str = "Shop", delete_volumes: bool = False) -> None:
    project_deletion.delete_project(
        caller=caller_of(by or lane.owner), project_id=lane.project_id, typed_name=name, delete_volumes=delete_volumes
    )


def state_of(lane: Lane) -> tuple[str, str]:
    row = ProjectDeletion.objects.get(pk=lane.project_id)
    return row.state, row.message


def step(lane: Lane, times: int = 3) -> None:
    """Let the reconciler look, several times over: a repeat changes nothing."""
    for _ in range(times):
        project_deletion.continue_all(at=lane.now())


def the_stop(lane: Lane) -> Deployment:
    return Deployment.objects.get(project=lane.project_id, kind="stop")


def test_stopped_first_then_gone_with_its_history_kept(lane: Lane, session: UUID) -> None:
    first = Deployment.objects.get(project=lane.project_id)
    begin(lane)
    step(lane)
    stop = factories.reload(the_stop(lane).id)
    assert state_of(lane) == ("deleting", f"Waiting for the stop {str(stop.id)[:8]}.")
    with pytest.raises(Conflict, match="being deleted"):
        lane.ask()
    lane.succeed(lane.start(stop))
    step(lane)
    assert state_of(lane)[0] == DeletionState.DELETED
    project = Project.objects.get(pk=lane.project_id)
    assert (project.deletion, project.name) == ("deleted", f"Shop (deleted, {project.id.hex[:6]})")
    assert not ProjectSecret.objects.filter(project=project).exists()
    assert lookups.get_deployment(caller=lane.caller, deployment_id=first.id).project_name == project.name
    assert history_view.list_history(caller=lane.caller, project_id=lane.project_id).total == 2
    assert project.id not in {each.id for each in projects.list_visible(caller=lane.caller, limit=10)}
    # Its name is free, and it never comes back.
    sources.create_project(caller=lane.caller, project_id=uuid4(), name="Shop")
    for refused in (lane.ask, lambda: begin(lane, name=project.name)):
        with pytest.raises(Conflict, match="gone"):
            refused()


def test_a_stop_that_fails_leaves_it_stuck_until_somebody_continues(lane: Lane, session: UUID) -> None:
    begin(lane)
    step(lane)
    lane.fail(lane.start(factories.reload(the_stop(lane).id)), message="Docker is away")
    step(lane)
    state, message = state_of(lane)
    assert (state, "Docker is away" in message) == ("stuck", True)
    begin(lane)
    step(lane)
    assert state_of(lane)[0] == "deleting"
    second = Deployment.objects.filter(project=lane.project_id, kind="stop").latest("created_at")
    lane.succeed(lane.start(factories.reload(second.id)))
    step(lane)
    assert state_of(lane)[0] == "deleted"


def test_its_volumes_go_when_that_is_wanted(lane: Lane, session: UUID) -> None:
    tell(lane, session, "shop_data", "shop_other")
    begin(lane, delete_volumes=True)
    step(lane)
    assert not VolumeDeletion.objects.exists()
    lane.succeed(lane.start(factories.reload(the_stop(lane).id)))
    step(lane)
    assert state_of(lane) == ("deleting", "Waiting for 2 volumes to go.")
    first, second = VolumeDeletion.objects.order_by("volume")
    assert CommandRecord.objects.filter(pk__in=[first.id, second.id], kind="delete_volume").count() == 2
    for row in (first, second):
        answer(lane, volume_deletions.get(deletion_id=row.id), CommandOutcome.SUCCEEDED, "Deleted.")
    step(lane)
    # Not before the agent has seen that they are gone.
    assert state_of(lane)[0] == "deleting"
    tell(lane, session)
    step(lane)
    assert state_of(lane)[0] == "deleted"
    assert volumes.list_project_volumes(caller=lane.caller, project_id=lane.project_id) == ()


def test_a_volume_that_stays_makes_it_stuck(lane: Lane, session: UUID) -> None:
    tell(lane, session, "shop_data", used_by=("by-hand",))
    begin(lane, delete_volumes=True)
    step(lane)
    lane.succeed(lane.start(factories.reload(the_stop(lane).id)))
    step(lane)
    assert state_of(lane) == ("stuck", f"shop_data on {lane.server.name} is used by by-hand.")
    # Without its volumes it goes.
    begin(lane)
    step(lane)
    assert state_of(lane)[0] == "deleted"


def test_refused_while_a_deployment_works_for_others_and_without_its_name(
    lane: Lane, session: UUID, stranger: User
) -> None:
    deployer = factories.make_user("dora")
    factories.add_member(factories.project_of(lane.project_id), deployer, role="deployer")
    with pytest.raises(Forbidden):
        begin(lane, by=deployer)
    with pytest.raises(NotFound):
        begin(lane, by=stranger)
    with pytest.raises(Invalid, match="whole name"):
        begin(lane, name="Sho")
    lane.ask()
    with pytest.raises(Conflict, match="not finished"):
        begin(lane)
    assert not ProjectDeletion.objects.exists()
    assert Project.objects.get(pk=lane.project_id).deletion == ""


def test_cancelled_while_nothing_was_removed_and_then_asked_for_anew(lane: Lane, session: UUID) -> None:
    begin(lane)
    step(lane)
    stopped = the_stop(lane)
    lane.succeed(lane.start(factories.reload(stopped.id)))
    project_deletion.cancel_deletion(caller=lane.caller, project_id=lane.project_id)
    assert Project.objects.get(pk=lane.project_id).deletion == ""
    assert project_deletion.deletion_of(caller=lane.caller, project_id=lane.project_id) is None
    # It is deployed again, and the next deletion stops what runs then: not the stop of before is its proof.
    lane.deployed()
    begin(lane)
    step(lane)
    assert Deployment.objects.filter(kind="stop").count() == 2
    editor = factories.make_user("eve")
    factories.add_member(factories.project_of(lane.project_id), editor, role="approver")
    with pytest.raises(Forbidden):
        project_deletion.cancel_deletion(caller=caller_of(editor), project_id=lane.project_id)


def test_not_cancelled_after_a_volume_was_ordered_to_go(lane: Lane, session: UUID) -> None:
    begin(lane, delete_volumes=True)
    now = timezone.now()
    VolumeDeletion.objects.create(
        project_id=lane.project_id,
        project_name="Shop",
        server_id=lane.server.id,
        server_name="server-1",
        volume="data",
        requested_by_id=lane.caller.user_id,
        requested_by_name="owner",
        requested_at=now,
        deadline_at=now,
    )
    with pytest.raises(Conflict, match="cannot be cancelled"):
        project_deletion.cancel_deletion(caller=lane.caller, project_id=lane.project_id)
    assert state_of(lane)[0] == DeletionState.DELETING


def test_what_is_gone_counts_for_no_quota_and_is_found_by_no_search(lane: Lane, session: UUID) -> None:
    before = usage.projects(owner_id=lane.caller.user_id)
    Project.objects.filter(pk=lane.project_id).update(deletion="deleted")
    assert usage.projects(owner_id=lane.caller.user_id) == before - 1
    found = search_rows.projects_with(["Shop"], caller=lane.caller, limit=5)
    assert not found
    assert not search_rows.services_with(["web"], caller=lane.caller, limit=5)
