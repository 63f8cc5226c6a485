"""Deploying where nobody allowed it: the right to a server is given by two owners, is seen, and ends."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from agents.models import CommandRecord, Server
from deployments.data.sharing_types import GrantState
from deployments.models import Deployment, DeploymentEvent, Project, ProjectMember, TargetGrant, User
from deployments.repositories import grants as rows
from deployments.repositories import projects
from deployments.services.lifecycle import agent_order, cancel, prepare, start
from deployments.services.sharing import server_grants
from deployments.states import Reason, Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.attacks.cast import Scene, make_scene


@pytest.fixture
def scene(db: None) -> Scene:
    """Mallory's project, victor's server."""
    return make_scene()


def everything_else(scene: Scene, name: str, undone: DeploymentRecord) -> dict[str, Any]:
    """What needs the right to the server, as this person asks for it."""
    project = f"projects/{scene.lane.project_id}"
    return {
        "deploy": scene.deploy(name),
        "plan": scene.post(name, f"{project}/plan", **scene.where),
        "rollback": scene.post(name, f"deployments/{undone.id}/rollback"),
        "scale": scene.post(name, f"{project}/scale", serviceName="web", replicas=3, **scene.where),
    }


def refused(answers: dict[str, Any]) -> set[int]:
    return {answer.status_code for answer in answers.values()}


def ended_as(deployment: DeploymentRecord) -> tuple[Any, ...]:
    return deployment.status, deployment.reason, deployment.message


def test_mallory_gets_no_server_by_inviting_its_owner(scene: Scene) -> None:
    scene.join("victor")
    assert scene.deploy("mallory").status_code == 404
    assert not Deployment.objects.exists()
    assert not TargetGrant.objects.exists()


def test_mallory_keeps_no_server_when_its_owner_was_removed(scene: Scene) -> None:
    scene.agreed()
    first, second = scene.deployed("victor"), scene.deployed("mallory")
    assert first.status is Status.SUCCESS
    scene.remove("victor")
    before = Deployment.objects.count()
    assert refused(everything_else(scene, "mallory", second)) == {403}
    assert Deployment.objects.count() == before
    stop = scene.post("mallory", f"projects/{scene.lane.project_id}/stop", **scene.where)
    assert stop.status_code == 201, "the project's owner may stop what runs of it"
    assert scene.started(factories.reload(stop.json()["deployment"]["id"])).status is Status.IN_PROGRESS


def test_what_waits_does_not_start_when_the_right_ended(scene: Scene) -> None:
    scene.agreed()
    waiting = scene.asked("mallory")
    ProjectMember.objects.filter(user=scene.users["victor"]).delete()
    status, reason, message = ended_as(scene.started(waiting))
    assert (status, reason) == (Status.FAILED, Reason.INVALID)
    assert "server's owner has not allowed" in message
    assert not CommandRecord.objects.exists()


def test_a_right_that_ended_does_not_come_back_with_the_member(scene: Scene) -> None:
    scene.agreed()
    scene.remove("victor")
    scene.join("victor")
    scene.join("bob")
    for name in ("bob", "mallory", "victor"):
        assert scene.deploy(name).status_code == 403
    assert scene.allow("victor") is GrantState.OFFERED


def test_the_projects_owner_takes_an_offer_by_using_it(scene: Scene) -> None:
    scene.join("victor")
    scene.join("bob")
    assert scene.allow("victor") is GrantState.OFFERED
    assert scene.deploy("bob").status_code == 403
    assert scene.deployed("mallory").status is Status.SUCCESS
    assert scene.deployed("bob").status is Status.SUCCESS


def test_a_superuser_gives_both_halves_while_he_is_one(scene: Scene) -> None:
    assert scene.allow("ops") is GrantState.GRANTED
    assert scene.deployed("mallory").status is Status.SUCCESS
    User.objects.filter(pk=scene.users["ops"].pk).update(is_superuser=False)
    assert scene.deploy("mallory").status_code == 403


def test_the_right_ends_when_the_server_has_another_owner(scene: Scene) -> None:
    scene.agreed()
    scene.join("bob")
    Server.objects.update(owner=scene.users["bob"])
    assert scene.deploy("victor").status_code == 403


def test_the_right_ends_when_the_project_has_another_owner(scene: Scene) -> None:
    scene.agreed()
    Project.objects.update(owner=scene.users["alice"])
    assert scene.deploy("victor").status_code == 403


@pytest.mark.parametrize("role", ["viewer", None])
def test_the_right_ends_with_the_role_of_who_gave_it(scene: Scene, role: str | None) -> None:
    scene.agreed()
    if role is None:
        User.objects.filter(pk=scene.users["victor"].pk).update(is_active=False)
    else:
        ProjectMember.objects.filter(user=scene.users["victor"]).update(role=role)
    assert scene.deploy("mallory").status_code == 403


def test_victor_ends_it_and_nothing_that_waits_reaches_his_server(scene: Scene) -> None:
    scene.agreed()
    handed_over, waiting = scene.started(scene.asked("mallory")), scene.asked("mallory")
    assert handed_over.status is Status.IN_PROGRESS
    server_grants.forbid(
        caller=scene.caller("victor"),
        server_id=scene.lane.server.id,
        project_id=scene.lane.project_id,
        at=scene.lane.now(),
    )
    for each in (handed_over, waiting):
        status, reason, message = ended_as(factories.reload(each.id))
        assert (status, reason) == (Status.FAILED, Reason.INVALID)
        assert message == "The project's right to this server was ended by victor."
    assert CommandRecord.objects.get().status == "withdrawn"
    assert scene.deploy("mallory").status_code == 403


def test_a_superusers_deployment_gives_nobody_a_right_and_is_named(scene: Scene) -> None:
    scene.join("bob")
    made = scene.deployed("ops")
    assert made.status is Status.SUCCESS
    assert not TargetGrant.objects.exists()
    for name in ("mallory", "bob"):
        assert refused(everything_else(scene, name, made)) == {403}
    told = DeploymentEvent.objects.get(deployment=made.id, type="deployment.requested").payload
    assert (told["requestedBy"], told["onBehalfOf"]) == ("ops", "mallory")


def test_victor_may_forbid_what_a_superuser_asked_for(scene: Scene) -> None:
    made = scene.deployed("ops")
    waiting = scene.asked("ops")
    server_grants.forbid(
        caller=scene.caller("victor"),
        server_id=scene.lane.server.id,
        project_id=scene.lane.project_id,
        at=scene.lane.now(),
    )
    assert factories.reload(waiting.id).status is Status.FAILED
    assert made.status is Status.SUCCESS


def test_what_a_superuser_asked_for_before_it_was_forbidden_does_not_start(scene: Scene) -> None:
    """Also where the one who forbids it did not see it wait."""
    waiting = scene.asked("ops")
    where = {"project_id": scene.lane.project_id, "server_id": scene.lane.server.id}
    rows.end(**where, by=scene.users["victor"].pk, because="", at=timezone.now())
    status, reason, message = ended_as(scene.started(waiting))
    assert (status, reason) == (Status.FAILED, Reason.INVALID)
    assert "ended after this was asked for" in message
    assert scene.started(scene.asked("ops")).status is Status.IN_PROGRESS


@pytest.mark.parametrize("how", ["sent", "cancelled", "stop"])
def test_what_has_reached_the_server_is_not_taken_back(scene: Scene, how: str) -> None:
    scene.agreed()
    scene.deployed("mallory")
    if how == "stop":
        path = f"projects/{scene.lane.project_id}/stop"
        at_work = factories.reload(scene.post("mallory", path, **scene.where).json()["deployment"]["id"])
    else:
        at_work = scene.asked("mallory")
    scene.started(at_work)
    if how == "sent":
        CommandRecord.objects.filter(deployment_id=at_work.id).update(status="sent")
    elif how == "cancelled":
        cancel.cancel_deployment(caller=scene.caller("mallory"), deployment_id=at_work.id, at=scene.lane.now())
    where = {"server_id": scene.lane.server.id, "project_id": scene.lane.project_id}
    server_grants.forbid(caller=scene.caller("victor"), **where, at=scene.lane.now())
    assert factories.reload(at_work.id).status is Status.IN_PROGRESS


def test_a_superuser_no_longer_is_no_longer_heard(scene: Scene) -> None:
    waiting = scene.asked("ops")
    User.objects.filter(pk=scene.users["ops"].pk).update(is_superuser=False)
    assert scene.started(waiting).reason is Reason.INVALID


def test_a_removed_members_deployment_does_not_start(scene: Scene) -> None:
    scene.agreed()
    scene.join("bob")
    waiting = scene.asked("bob")
    scene.remove("bob")
    status, reason, message = ended_as(scene.started(waiting))
    assert (status, reason) == (Status.FAILED, Reason.INVALID)
    assert message == "bob, who asked for this, may no longer deploy this project."


def test_a_disabled_accounts_deployment_does_not_start(scene: Scene) -> None:
    scene.agreed()
    scene.join("bob")
    waiting = scene.asked("bob")
    User.objects.filter(pk=scene.users["bob"].pk).update(is_active=False)
    status, reason, message = ended_as(scene.started(waiting))
    assert (status, reason) == (Status.FAILED, Reason.INVALID)
    assert message == "The account of bob, who asked for this, is disabled."


def test_an_own_server_is_granted_by_using_it(db: None) -> None:
    scene = make_scene(project_owner="alice", server_owner="alice")
    scene.join("bob")
    assert scene.deploy("bob").status_code == 404, "a deployer uses only what the owner allowed"
    assert scene.deployed("alice").status is Status.SUCCESS
    assert scene.deployed("bob").status is Status.SUCCESS
    grant = TargetGrant.objects.get()
    assert {grant.project_side_by, grant.server_side_by} == {scene.users["alice"]}


def test_the_start_itself_asks_again_with_the_lane_locked(scene: Scene) -> None:
    scene.agreed()
    waiting = scene.asked("mallory")
    project = projects.get(project_id=scene.lane.project_id)
    prepared = prepare.prepare(deployment=waiting, project=project)
    command = agent_order.command_of(deployment=waiting, project=project, prepared=prepared)
    ProjectMember.objects.filter(user=scene.users["victor"]).update(role="viewer")
    assert not start.start(deployment=waiting, project=project, prepared=prepared, command=command, at=scene.lane.now())
    assert factories.reload(waiting.id).reason is Reason.INVALID
    assert not CommandRecord.objects.exists()


def test_a_stranger_learns_nothing_of_servers(scene: Scene) -> None:
    nowhere = scene.post(
        "mallory", "deployments", projectId=str(scene.lane.project_id), serverId=str(scene.lane.project_id)
    )
    there = scene.deploy("mallory")
    assert there.status_code == nowhere.status_code == 404
    assert there.json() == nowhere.json()
