"""What was deployed on a machine that is gone still says where it was."""

from __future__ import annotations

from agents.models import Agent, Cluster, Server
from deployments.services.fleet import machine_changes, machine_list
from deployments.types import Target, TargetKind
from tests.deployments.lane import Lane
from tests.factories import NOW


def test_a_removed_server_and_cluster_keep_their_names_in_history(lane: Lane) -> None:
    lane.deployed()
    name = lane.server.name
    Agent.objects.update(revoked_at=NOW)
    machine_changes.remove_server(caller=lane.caller, server_id=lane.server.id)
    assert not Server.objects.filter(pk=lane.server.id).exists()
    assert machine_list.target_name(lane.target) == f"{name} (removed)"
    cluster = Cluster.objects.create(owner=lane.owner, name="all")
    machine_changes.remove_cluster(caller=lane.caller, cluster_id=cluster.id)
    assert machine_list.target_name(Target(kind=TargetKind.CLUSTER, id=cluster.id)) == "all (removed)"
