"""What succeeded: listed with whether it can be restored, compared, and kept no longer than wanted."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from agents.models import Agent
from agents.services import command_delivery
from agents.types import Sighting
from deployments.errors import Conflict, NotFound
from deployments.models import Deployment, DeploymentHistory, Project, User
from deployments.services.history import snapshots
from deployments.services.permissions.access import caller_of
from deployments.services.queries import history_view
from deployments.services.requests.stop import stop_project
from deployments.services.secrets import variables
from deployments.services.upkeep import retention
from deployments.states import Status
from deployments.types import DeploymentRecord, HistoryEntry
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import later

CANARY = "canary-91c2-ß$"


def listed(lane: Lane, **fields: Any) -> tuple[HistoryEntry, ...]:
    return history_view.list_history(caller=lane.caller, project_id=lane.project_id, **fields).items


def stopped(lane: Lane) -> DeploymentRecord:
    asked = stop_project(
        caller=lane.caller, project_id=lane.project_id, target=lane.target, deployment_id=uuid4(), at=lane.now()
    )
    return lane.succeed(lane.start(asked))


def test_versions_rise_per_target_and_tell_what_ran(lane: Lane) -> None:
    first = lane.deployed(env_vars={"API_KEY": CANARY})
    lane.store_graph(web="web:2", db="db:1")
    second = lane.deployed()
    newest, oldest = listed(lane)
    assert (newest.version, newest.deployment_id, newest.graph_version) == ("v2", second.id, 2)
    assert (oldest.version, oldest.deployment_id, oldest.env_names) == ("v1", first.id, ("API_KEY",))
    assert oldest.images == {"web": "sha256:web:1", "db": "sha256:db:1"}
    assert (oldest.requested_by, oldest.restorable, oldest.why_not) == ("alice", True, "")
    page = history_view.list_history(caller=lane.caller, project_id=lane.project_id, page=2, limit=1)
    assert (page.total, [entry.version for entry in page.items]) == (2, ["v1"])
    assert listed(lane, target_id=uuid4()) == ()


def test_a_difference_names_services_and_variables_never_values(lane: Lane) -> None:
    lane.deployed(env_vars={"KEPT": "a", "CHANGED": CANARY, "GONE": "x"})
    lane.store_graph(web="web:2", db="db:1")
    lane.deployed(env_vars={"KEPT": "a", "CHANGED": "other", "NEW": "y"})
    newer, older = listed(lane)
    found = history_view.diff_history(caller=lane.caller, older_id=older.id, newer_id=newer.id)
    assert (found.env_added, found.env_removed, found.env_changed) == (("NEW",), ("GONE",), ("CHANGED",))
    assert {change.service: change.action for change in found.changes} == {"web": "replace", "db": "replace"}
    assert "image" in found.text
    assert CANARY not in repr(found)


def test_entries_of_an_earlier_version_can_be_restored_too(lane: Lane) -> None:
    first = lane.deployed(env_vars={"API_KEY": CANARY})
    then = lane.command(first)
    lane.store_graph(web="web:2", db="db:1")
    second = lane.deployed()
    row = DeploymentHistory.objects.get(deployment=first.id)
    del row.deployment_snapshot["config"]["hashes"], row.deployment_snapshot["replicas"]
    row.sealed_variables, row.env_vars = "", None
    row.save()
    rollback = lane.start(lane.ask_rollback(second))
    assert {**lane.command(rollback), "pinned_images": {}} == then
    assert variables.request_env(deployment_id=rollback.id) == {"API_KEY": CANARY}


def test_a_missing_key_is_said(lane: Lane, settings: Settings) -> None:
    lane.deployed(env_vars={"API_KEY": CANARY})
    second = lane.deployed(env_vars={"API_KEY": CANARY})
    settings.AXION_ENCRYPTION_KEYS = {2: b"2" * 32}
    assert ["encryption key 1" in entry.why_not for entry in listed(lane)] == [True, True]
    with pytest.raises(Conflict, match="encryption key 1"):
        lane.ask_rollback(second)


def test_a_host_that_cannot_is_said(lane: Lane) -> None:
    lane.deployed()
    Agent.objects.update(last_seen_at=later(-(10**9)))
    assert "out of reach" in listed(lane)[0].why_not
    Agent.objects.update(revoked_at=later(0))
    assert "No agent" in listed(lane)[0].why_not


def test_an_image_that_the_host_lacks_is_said(lane: Lane) -> None:
    lane.deployed()
    lane.store_graph(web="web:2", db="db:1")
    lane.deployed()
    gone = Sighting(missing_images=("sha256:web:1", "sha256:of another"))
    command_delivery.beat_and_touch(gateway_id=uuid4(), seen={lane.agent.id: gone})
    newest, oldest = listed(lane)
    assert (newest.restorable, oldest.restorable) == (True, False)
    assert oldest.why_not == "Images are no longer on the host: web."
    command_delivery.beat_and_touch(gateway_id=uuid4(), seen={lane.agent.id: Sighting(missing_images=())})
    assert listed(lane)[1].restorable


@pytest.mark.django_db(transaction=True)
def test_what_retention_takes_is_announced_to_the_targets_agents(lane: Lane) -> None:
    lane.deployed()
    lane.deployed()
    Project.objects.update(retention=1)
    parameters = connection.get_connection_params()
    database = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port")}
    with psycopg.connect(**database, autocommit=True) as listener:
        listener.execute("LISTEN agent_retention")
        assert retention.drop_beyond_retention(at=lane.now()) == 1
        heard = [notice.payload for notice in listener.notifies(timeout=10, stop_after=1)]
    assert heard == [str(lane.agent.id)]


def test_an_image_that_the_host_misses_is_said(lane: Lane) -> None:
    lane.deployed()
    lane.store_graph(web="web:2", db="db:1")
    second = lane.deployed()
    Agent.objects.update(missing_images=["sha256:web:1", "sha256:other"], inventory_at=later(0))
    assert [entry.why_not for entry in listed(lane)] == ["", "Images are no longer on the host: web."]
    with pytest.raises(Conflict, match="no longer on the host: web"):
        lane.ask_rollback(second)


def test_a_stop_is_in_the_history_and_is_nothing_to_go_back_to(lane: Lane) -> None:
    first = lane.deployed()
    stop = stopped(lane)
    assert stop.status is Status.SUCCESS
    assert (listed(lane)[0].kind, listed(lane)[0].restorable) == ("stop", False)
    with pytest.raises(Conflict, match="Nothing ran"):
        lane.ask_rollback(lane.deployed(), to=stop)
    assert lane.ask_rollback(stop).restores == DeploymentHistory.objects.get(deployment=first.id).id


def test_an_unrestorable_last_version_is_never_skipped_silently(lane: Lane) -> None:
    first, second, third = (lane.deployed() for _ in range(3))
    DeploymentHistory.objects.filter(deployment=second.id).update(dropped_at=later(0))
    with pytest.raises(Conflict, match=f"v2 cannot be restored.*v1 can: name {first.id}"):
        lane.ask_rollback(third)


def test_retention_keeps_the_newest_and_what_a_rollback_needs(lane: Lane) -> None:
    successes = [lane.deployed(env_vars={"API_KEY": CANARY}) for _ in range(4)]
    waiting = lane.ask_rollback(successes[3], to=successes[0])
    Project.objects.update(retention=2)
    assert retention.drop_beyond_retention(at=lane.now()) == 1
    assert [entry.dropped for entry in listed(lane)] == [False, False, True, False]
    assert "older than what" in listed(lane)[2].why_not
    assert retention.drop_beyond_retention(at=lane.now()) == 0
    row = DeploymentHistory.objects.get(deployment=successes[1].id)
    assert (row.sealed_variables, set(row.deployment_snapshot)) == ("", {"graphVersion", "images", "envNames"})
    lane.succeed(lane.start(waiting))
    # v1 and v3 make the same run, v4 was rolled back to it, v5 is the rollback.
    assert retention.drop_beyond_retention(at=lane.now()) == 1
    assert [entry.version for entry in listed(lane) if not entry.dropped] == ["v5", "v4", "v3"]


def test_what_retention_took_meanwhile_is_refused(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    lane.deployed()
    second = lane.deployed()
    read = snapshots.env_of

    def drop_then_read(*args: Any) -> dict[str, str]:
        DeploymentHistory.objects.update(dropped_at=later(0))
        return read(*args)

    monkeypatch.setattr(snapshots, "env_of", drop_then_read)
    with pytest.raises(Conflict, match="no longer kept"):
        lane.ask_rollback(second)
    assert not Deployment.objects.filter(kind="rollback").exists()


def test_agents_are_told_what_kept_entries_need(lane: Lane) -> None:
    first = lane.deployed()
    lane.store_graph(web="web:2", db="db:1")
    second = lane.deployed()
    (kept,) = history_view.kept_images(target_ids=[lane.server.id])
    assert kept.image_ids == ("sha256:db:1", "sha256:web:1", "sha256:web:2")
    assert (kept.project_id, kept.deployment_ids) == (lane.project_id, (first.id, second.id))
    assert kept.stack_name == lane.command(first)["stack_name"]
    Project.objects.update(retention=1)
    retention.drop_beyond_retention(at=lane.now())
    assert history_view.kept_images(target_ids=[lane.server.id])[0].image_ids == ("sha256:db:1", "sha256:web:2")
    assert history_view.kept_images(target_ids=[uuid4()]) == ()


def test_strangers_learn_nothing(lane: Lane, stranger: User) -> None:
    lane.deployed()
    entry = listed(lane)[0]
    caller = caller_of(stranger)
    with pytest.raises(NotFound):
        history_view.list_history(caller=caller, project_id=lane.project_id)
    with pytest.raises(NotFound):
        history_view.get_entry(caller=caller, history_id=entry.id)
    with pytest.raises(NotFound):
        history_view.diff_history(caller=caller, older_id=entry.id, newer_id=entry.id)
    factories.add_member(Project.objects.get(pk=lane.project_id), stranger, role="viewer")
    assert history_view.get_entry(caller=caller, history_id=entry.id).version == "v1"
