"""Volumes as people see them, and the end of one: by name, refused while anything uses or names it, and noted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import F

from agents.models import Agent, CommandRecord
from agents.reports.volumes import HostVolumes, VolumeSeen
from agents.states import CommandOutcome, CommandStatus
from agents.types import CommandFinished, Report
from axion_deploy import gateway_bindings
from deployments.data.end_types import VolumeDeletionRecord, VolumeDeletionState, VolumeState
from deployments.errors import Conflict, Forbidden, NotFound
from deployments.models import DeploymentHistory, User, VolumeDeletion
from deployments.services.ends import volume_deletion, volumes
from deployments.services.permissions.access import caller_of
from stackgen.parts.names import short_hash
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import NOW


def tell(lane: Lane, session_id: UUID, *names: str, **facts: Any) -> None:
    seen = tuple(VolumeSeen(name=name, project_id=lane.project_id, **facts) for name in names)
    volumes.record_volumes(seen=HostVolumes(agent_id=lane.agent.id, session_id=session_id, volumes=seen))


def states(lane: Lane) -> dict[str, VolumeState]:
    lines = volumes.list_project_volumes(caller=lane.caller, project_id=lane.project_id)
    return {line.volume.name: line.state for line in lines}


def delete(lane: Lane, name: str, *, by: User | None = None) -> VolumeDeletionRecord:
    return volume_deletion.delete_project_volume(
        caller=caller_of(by or lane.owner),
        project_id=lane.project_id,
        server_id=lane.server.id,
        name=name,
        deletion_id=uuid4(),
        at=NOW,
    )


def answer(lane: Lane, deletion: VolumeDeletionRecord, outcome: CommandOutcome, message: str) -> VolumeDeletion:
    body = CommandFinished(outcome=outcome, message=message)
    ids = {"command_id": deletion.id, "deployment_id": deletion.id, "agent_id": lane.agent.id}
    gateway_bindings.on_report(report=Report(**ids, number=1, at=NOW, body=body))
    return VolumeDeletion.objects.get(pk=deletion.id)


def volume_of(node_id: str) -> str:
    return f"shop_{short_hash(node_id, 12)}-data"


def with_volumes(lane: Lane, *nodes: str) -> None:
    """Let the newest success have a volume for each of these nodes."""
    for row in DeploymentHistory.objects.filter(project_id=lane.project_id):
        services = row.deployment_snapshot["config"]["services"]
        for service in services:
            node = service.get("nodeId", service.get("node_id"))
            service["volumes"] = [volume_of(node)] if node in nodes else []
        row.save()


def test_what_no_node_names_any_more_is_orphaned(lane: Lane, session: UUID) -> None:
    with_volumes(lane, "n-db")
    tell(lane, session, volume_of("n-db"), volume_of("n-gone"))
    assert states(lane) == {volume_of("n-db"): VolumeState.KEPT, volume_of("n-gone"): VolumeState.ORPHANED}
    tell(lane, session, volume_of("n-gone"), used_by=("by-hand",), size_bytes=5)
    assert states(lane) == {volume_of("n-gone"): VolumeState.USED}
    # A node that is drawn and not deployed yet will find its data.
    lane.store_graph(web="web:1", gone="gone:1")
    tell(lane, session, volume_of("n-gone"))
    assert states(lane) == {volume_of("n-gone"): VolumeState.KEPT}


def test_another_sessions_word_counts_for_nothing(lane: Lane, session: UUID) -> None:
    tell(lane, uuid4(), "shop_left")
    assert states(lane) == {}


def test_while_the_agent_is_silent_the_list_says_so(lane: Lane, session: UUID) -> None:
    tell(lane, session, "shop_left")
    Agent.objects.filter(pk=lane.agent.id).update(last_seen_at=F("enrolled_at") - timedelta(days=1))
    (line,) = volumes.list_project_volumes(caller=lane.caller, project_id=lane.project_id)
    assert "silent" in line.why_unknown
    with pytest.raises(Conflict, match="not connected"):
        delete(lane, "shop_left")


def test_deleted_with_who_and_when(lane: Lane, session: UUID) -> None:
    tell(lane, session, "shop_left", size_bytes=7)
    ordered = delete(lane, "shop_left")
    command = CommandRecord.objects.get(pk=ordered.id)
    assert (command.kind, command.payload["volume_name"]) == ("delete_volume", "shop_left")
    with pytest.raises(Conflict, match="already"):
        delete(lane, "shop_left")
    row = answer(lane, ordered, CommandOutcome.SUCCEEDED, "Deleted.")
    assert (row.state, row.requested_by_name, row.size_bytes) == ("deleted", lane.owner.username, 7)
    assert CommandRecord.objects.get(pk=ordered.id).status == CommandStatus.FINISHED
    (kept,) = volume_deletion.list_project_deletions(caller=lane.caller, project_id=lane.project_id)
    assert (kept.volume, kept.message) == ("shop_left", "Deleted.")


def test_what_docker_refuses_is_told_and_may_be_asked_again(lane: Lane, session: UUID) -> None:
    tell(lane, session, "shop_left")
    row = answer(lane, delete(lane, "shop_left"), CommandOutcome.FAILED, "by-hand uses it")
    assert (row.state, row.message) == ("refused", "by-hand uses it")
    assert delete(lane, "shop_left").state is VolumeDeletionState.PENDING


def test_refused_for_what_is_used_or_kept_and_while_a_deployment_works(lane: Lane, session: UUID) -> None:
    with_volumes(lane, "n-db")
    tell(lane, session, volume_of("n-db"), "shop_left")
    with pytest.raises(Conflict, match="belongs to a node"):
        delete(lane, volume_of("n-db"))
    lane.ask()
    with pytest.raises(Conflict, match="not finished"):
        delete(lane, "shop_left")
    assert not VolumeDeletion.objects.exists()
    tell(lane, session, "shop_left", used_by=("by-hand",))
    with pytest.raises(Conflict, match="by-hand"):
        delete(lane, "shop_left")


def test_for_the_owner_alone(lane: Lane, session: UUID, stranger: User) -> None:
    tell(lane, session, "shop_left")
    deployer = factories.make_user("dora")
    factories.add_member(factories.project_of(lane.project_id), deployer, role="deployer")
    with pytest.raises(Forbidden):
        delete(lane, "shop_left", by=deployer)
    with pytest.raises(NotFound):
        delete(lane, "shop_left", by=stranger)
    with pytest.raises(NotFound):
        delete(lane, "shop_nobody_has_it")
    with pytest.raises(NotFound):
        volumes.list_server_volumes(caller=caller_of(stranger), server_id=lane.server.id)


def test_an_order_that_nobody_answers_ends_and_a_late_word_settles_it(lane: Lane, session: UUID) -> None:
    tell(lane, session, "shop_left", "shop_sent")
    never_sent, sent = delete(lane, "shop_left"), delete(lane, "shop_sent")
    CommandRecord.objects.filter(pk=sent.id).update(status=CommandStatus.SENT)
    VolumeDeletion.objects.update(deadline_at=F("requested_at"))
    assert volume_deletion.expire(at=NOW) == 2
    refused, unknown = (VolumeDeletion.objects.get(pk=each.id) for each in (never_sent, sent))
    assert (refused.state, refused.message) == ("refused", volume_deletion.NOT_SENT)
    assert CommandRecord.objects.get(pk=never_sent.id).status == CommandStatus.WITHDRAWN
    assert (unknown.state, unknown.message) == ("unknown", volume_deletion.NO_WORD)
    assert answer(lane, sent, CommandOutcome.SUCCEEDED, "Deleted.").state == "deleted"
