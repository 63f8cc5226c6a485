"""A server or cluster goes: what runs there said and stopped first where that is wanted, its name kept in history."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

import pytest
from django.db.models.functions import Now

from agents.contracts.version import PROTOCOL
from agents.errors import Unauthenticated
from agents.models import Agent, Cluster, EnrolmentToken, Server
from agents.repositories import swarms
from agents.services import enrolment
from agents.swarm import NodeFacts, SwarmFacts, SwarmRole
from deployments.data.cluster_types import ChangeState
from deployments.data.end_types import MachineDeletionRecord, MachineEnd
from deployments.data.installation_types import InstallationAction, InstallationState, SshAddress, SshLogin
from deployments.data.variable_types import Place, Scope
from deployments.errors import Conflict, Invalid, NotFound
from deployments.models import (
    AgentInstallation,
    ClusterChange,
    Deployment,
    MachineDeletion,
    ProjectVariable,
    ServerAccess,
    User,
)
from deployments.repositories import variables
from deployments.repositories.clusters import cluster_changes
from deployments.repositories.installations import installation_rows, server_access_rows
from deployments.services.ends import machine_deletion, machine_ends
from deployments.services.fleet import machine_list
from deployments.services.permissions.access import caller_of
from deployments.services.queries import history_view, lane_view, lookups
from deployments.services.secrets import sealing
from deployments.types import Target, TargetKind
from tests import factories
from tests.deployments.lane import Lane

CREDENTIAL = "axa_the-agents-own"


def begin(lane: Lane, end: MachineEnd, *, by: User | None = None, name: str | None = None) -> MachineDeletionRecord:
    return machine_deletion.delete_machine(
        caller=caller_of(by or lane.owner),
        target=lane.target,
        typed_name=lane.server.name if name is None else name,
        end=end,
    )


def step(lane: Lane, times: int = 3) -> None:
    """Let the reconciler look, several times over: a repeat changes nothing."""
    for _ in range(times):
        machine_deletion.continue_all(at=lane.now())


def state_of(lane: Lane) -> tuple[str, str]:
    row = MachineDeletion.objects.get(pk=lane.server.id)
    return row.state, row.message


def the_stop(lane: Lane) -> Deployment:
    return Deployment.objects.filter(project=lane.project_id, kind="stop").latest("created_at")


def stop_it(lane: Lane) -> None:
    lane.succeed(lane.start(factories.reload(the_stop(lane).id)))


def option(lane: Lane, end: MachineEnd) -> tuple[str, str]:
    found = machine_ends.options_of(caller=lane.caller, target=lane.target)
    chosen = next(each for each in found if each.end is end)
    return chosen.why_not, " ".join(chosen.follows)


def keep_login(lane: Lane) -> None:
    sealed = sealing.seal_login(values=asdict(SshLogin(password="secret")), server_id=lane.server.id)
    address = SshAddress(host="alpha.example", port=22, username="root")
    server_access_rows.pin(server_id=lane.server.id, address=address, host_key="k", fingerprint="SHA256:k", by="alice")
    server_access_rows.keep_login(server_id=lane.server.id, address=address, sealed=sealed)


def end_installation(installation_id: UUID, state: InstallationState, message: str) -> None:
    assert installation_rows.end(installation_id=installation_id, holder=None, state=state, message=message)


def test_forgotten_at_once_with_what_follows_said_first(lane: Lane, session: UUID) -> None:
    first = Deployment.objects.get(project=lane.project_id)
    Agent.objects.filter(pk=lane.agent.id).update(credential_hash=enrolment.hash_of(CREDENTIAL))
    machine_list.issue_enrolment_token(caller=lane.caller, server_id=lane.server.id)
    why_not, follows = option(lane, MachineEnd.FORGET)
    assert not why_not
    assert "Shop of alice keeps running, and can no longer be stopped" in follows
    assert "keeps running the scheduled jobs" in follows
    assert begin(lane, MachineEnd.FORGET).state == "deleted"
    assert not Server.objects.filter(pk=lane.server.id).exists()
    assert not EnrolmentToken.objects.filter(server_id=lane.server.id, used_at__isnull=True).exists()
    # An agent that still comes is nobody, and whoever has its credential is told why.
    with pytest.raises(Unauthenticated):
        enrolment.authenticate(credential=CREDENTIAL)
    assert f"The server {lane.server.name} was deleted" in enrolment.why_ended(credential=CREDENTIAL)
    assert enrolment.why_ended(credential="axa_guessed") == ""
    # What was deployed there is readable, under the name that it had, and cannot be brought back.
    assert lookups.get_deployment(caller=lane.caller, deployment_id=first.id).target == lane.target
    assert machine_list.target_name(lane.target) == f"{lane.server.name} (removed)"
    entry = history_view.list_history(caller=lane.caller, project_id=lane.project_id).items[0]
    assert (entry.restorable, entry.why_not) == (False, f"{lane.server.name} was deleted.")
    assert [view.gone for view in lane_view.view_lanes(caller=lane.caller, project_id=lane.project_id)] == [True]
    # How it went can be read by whose it was.
    found = machine_deletion.deletion_of(caller=lane.caller, machine_id=lane.server.id)
    assert found is not None
    assert (found.name, found.state) == (lane.server.name, "deleted")
    with pytest.raises(NotFound):
        machine_deletion.deletion_of(caller=caller_of(factories.make_user("sam")), machine_id=lane.server.id)


def test_drained_every_project_is_stopped_with_proof_first(lane: Lane, session: UUID) -> None:
    assert "Shop of alice is stopped first" in option(lane, MachineEnd.DRAIN)[1]
    begin(lane, MachineEnd.DRAIN)
    step(lane)
    assert Deployment.objects.filter(kind="stop").count() == 1
    assert state_of(lane) == ("deleting", f"Waiting for Shop to be stopped ({str(the_stop(lane).id)[:8]}).")
    with pytest.raises(Conflict, match="being deleted"):
        lane.ask()
    with pytest.raises(Conflict, match="being deleted already"):
        begin(lane, MachineEnd.FORGET)
    assert Server.objects.filter(pk=lane.server.id).exists()
    stop_it(lane)
    step(lane)
    assert state_of(lane) == ("deleted", "")
    assert Agent.objects.get(pk=lane.agent.id).revoked_at is not None
    assert not Server.objects.filter(pk=lane.server.id).exists()


def test_a_stop_that_fails_leaves_it_stuck_then_continued_forgotten_or_kept(lane: Lane, session: UUID) -> None:
    begin(lane, MachineEnd.DRAIN)
    step(lane)
    lane.fail(lane.start(factories.reload(the_stop(lane).id)), message="Docker is away")
    step(lane)
    state, message = state_of(lane)
    assert (state, "Shop could not be stopped" in message, "Docker is away" in message) == ("stuck", True, True)
    begin(lane, MachineEnd.DRAIN)
    step(lane)
    assert Deployment.objects.filter(kind="stop").count() == 2
    machine_deletion.cancel_deletion(caller=lane.caller, target=lane.target)
    stop_it(lane)
    step(lane)
    assert not MachineDeletion.objects.exists()
    # It is used again; the next deletion makes a stop of its own, and may be continued in another way.
    lane.deployed()
    begin(lane, MachineEnd.DRAIN)
    step(lane)
    lane.fail(lane.start(factories.reload(the_stop(lane).id)), message="Docker is away")
    step(lane)
    assert state_of(lane)[0] == "stuck"
    assert begin(lane, MachineEnd.FORGET).state == "deleted"


def test_uninstalled_by_ssh_once_it_is_empty(lane: Lane, session: UUID) -> None:
    assert "No login is kept" in option(lane, MachineEnd.UNINSTALL)[0]
    with pytest.raises(Conflict, match="No login is kept"):
        begin(lane, MachineEnd.UNINSTALL)
    keep_login(lane)
    begin(lane, MachineEnd.UNINSTALL)
    step(lane)
    assert not AgentInstallation.objects.exists()
    stop_it(lane)
    step(lane)
    order = AgentInstallation.objects.get()
    assert (order.action, order.server_id) == (InstallationAction.UNINSTALL, lane.server.id)
    assert state_of(lane) == ("deleting", "Waiting for the agent to be removed by SSH.")
    end_installation(order.id, InstallationState.FAILED, "No route to host.")
    step(lane)
    assert state_of(lane) == ("stuck", "The agent was not removed: No route to host.")
    begin(lane, MachineEnd.UNINSTALL)
    step(lane)
    end_installation(AgentInstallation.objects.exclude(pk=order.pk).get().pk, InstallationState.SUCCEEDED, "Done.")
    step(lane)
    assert state_of(lane)[0] == "deleted"
    assert not ServerAccess.objects.exists()


def test_refused_before_anything_is_promised(lane: Lane, session: UUID, stranger: User) -> None:
    with pytest.raises(NotFound):
        begin(lane, MachineEnd.FORGET, by=stranger)
    with pytest.raises(Invalid, match="whole name"):
        begin(lane, MachineEnd.FORGET, name=lane.server.name[:-1])
    with pytest.raises(Invalid, match="cannot go like this"):
        begin(lane, MachineEnd.DISSOLVE)
    waiting = lane.ask()
    for end in (MachineEnd.FORGET, MachineEnd.DRAIN):
        with pytest.raises(Conflict, match="not finished"):
            begin(lane, end)
    lane.succeed(lane.start(waiting))
    Agent.objects.update(revoked_at=factories.NOW)
    with pytest.raises(Conflict, match="no agent that could stop"):
        begin(lane, MachineEnd.DRAIN)
    assert not MachineDeletion.objects.exists()


def test_who_may_no_longer_ask_leaves_it_stuck(lane: Lane, session: UUID) -> None:
    begin(lane, MachineEnd.DRAIN)
    User.objects.filter(pk=lane.owner.pk).update(is_active=False)
    step(lane)
    assert state_of(lane) == ("stuck", "Sign in first.")


def test_a_cluster_that_is_no_swarm_is_dissolved_and_its_servers_stay(lane: Lane) -> None:
    cluster = Cluster.objects.create(owner=lane.owner, name="all")
    Server.objects.filter(pk=lane.server.id).update(cluster=cluster)
    target = Target(kind=TargetKind.CLUSTER, id=cluster.pk)
    ways = {each.end: each for each in machine_ends.options_of(caller=lane.caller, target=target)}
    assert "Its servers stay, each on its own." in ways[MachineEnd.DISSOLVE].follows
    with pytest.raises(Invalid):
        machine_deletion.delete_machine(caller=lane.caller, target=target, typed_name="al", end=MachineEnd.DISSOLVE)
    machine_deletion.delete_machine(caller=lane.caller, target=target, typed_name="all", end=MachineEnd.DISSOLVE)
    step(lane)
    assert not Cluster.objects.exists()
    assert Server.objects.get(pk=lane.server.id).cluster_id is None
    assert machine_list.target_name(target) == "all (removed)"


def a_swarm(lane: Lane) -> tuple[Cluster, Target]:
    """A manager and a worker, both with connected agents, of a cluster on which nothing runs."""
    cluster = Cluster.objects.create(owner=lane.owner, name="all", swarm_id="swarm")
    other = factories.make_server(lane.owner, name="server-2")
    Server.objects.filter(pk__in=[lane.server.id, other.pk]).update(cluster=cluster)
    tell_of(lane.agent.id, "m", SwarmRole.MANAGER, "m", "w")
    tell_of(factories.make_agent(other).pk, "w", SwarmRole.WORKER)
    return cluster, Target(kind=TargetKind.CLUSTER, id=cluster.pk)


def tell_of(agent_id: UUID, node_id: str, role: SwarmRole, *nodes: str) -> None:
    """Let an agent say which node its engine is and, of a manager, which there are."""
    Agent.objects.filter(pk=agent_id).update(last_seen_at=Now(), protocol=PROTOCOL)
    manages = role is SwarmRole.MANAGER
    facts = SwarmFacts(role=role, node_id=node_id, swarm_id="swarm" if manages else "", control_available=manages)
    told = tuple(
        NodeFacts(
            id=each,
            hostname=each,
            role="manager" if each == "m" else "worker",
            leader=each == "m",
            reachability="reachable" if each == "m" else "",
            availability="active",
            state="ready",
        )
        for each in nodes
    )
    swarms.store(agent_id=agent_id, facts=facts, nodes=told or None)


def test_a_swarm_is_dissolved_node_by_node_workers_first(lane: Lane) -> None:
    cluster, target = a_swarm(lane)
    # A server that is a node leaves before it is deleted, or is forgotten as one.
    assert "have it leave" in option(lane, MachineEnd.DRAIN)[0]
    assert "nothing can be deployed to it then" in option(lane, MachineEnd.FORGET)[1]
    dissolve = next(
        each for each in machine_ends.options_of(caller=lane.caller, target=target) if each.end is MachineEnd.DISSOLVE
    )
    assert (dissolve.why_not, "workers first" in " ".join(dissolve.follows)) == ("", True)
    machine_deletion.delete_machine(caller=lane.caller, target=target, typed_name="all", end=MachineEnd.DISSOLVE)
    step(lane)
    first = ClusterChange.objects.get()
    assert (first.kind, first.node_id, first.steps) == ("leave", "w", ["leave", "remove"])
    cluster_changes.end(change_id=first.pk, state=ChangeState.DONE, message="", at=lane.now())
    Server.objects.filter(name="server-2").update(cluster=None)
    step(lane)
    # Not before a manager has told that it is gone.
    assert ClusterChange.objects.count() == 1
    tell_of(lane.agent.id, "m", SwarmRole.MANAGER, "m")
    step(lane)
    last = ClusterChange.objects.exclude(pk=first.pk).get()
    assert (last.node_id, last.steps) == ("m", ["end"])
    cluster_changes.end(change_id=last.pk, state=ChangeState.REFUSED, message="Docker is away.", at=lane.now())
    step(lane)
    row = MachineDeletion.objects.get(pk=cluster.pk)
    assert (row.state, row.message) == ("stuck", "m did not leave: Docker is away.")
    # Continued, once it has ended.
    machine_deletion.delete_machine(caller=lane.caller, target=target, typed_name="all", end=MachineEnd.DISSOLVE)
    Cluster.objects.filter(pk=cluster.pk).update(swarm_id=None)
    step(lane)
    assert not Cluster.objects.exists()
    assert Server.objects.count() == 2


def test_variables_of_a_server_alone_go_with_it_and_their_end_is_kept(lane: Lane) -> None:
    of_server = Place(scope=Scope.TARGET, key=str(lane.server.id))
    for place in (of_server, Place(scope=Scope.PROJECT, key="")):
        variables.put(project_id=lane.project_id, place=place, sealed={"A": "1:x"}, by=lane.caller, at=lane.now())
    begin(lane, MachineEnd.FORGET)
    step(lane)
    assert not Server.objects.filter(pk=lane.server.id).exists()
    left = variables.names_at(project_id=lane.project_id, place=of_server)
    assert (left, ProjectVariable.objects.count()) == (set(), 1)
    newest = variables.changes(project_id=lane.project_id, limit=1)[0]
    assert (newest.name, newest.action, newest.place, newest.by) == ("A", "removed", of_server, lane.caller.name)
