"""Changes of a cluster go on when the agent at a step is lost: another manager's takes the step over, and says so."""

from __future__ import annotations

from uuid import uuid4

import pytest

from agents.errors import CommandNotFound
from agents.models import Agent, Cluster, CommandRecord
from agents.repositories import swarms
from agents.states import CommandOutcome
from agents.swarm import NodeFacts, SwarmFacts, SwarmRole
from agents.types import CommandFinished, Report
from deployments.data.cluster_types import ChangeKind, ChangeRecord, ChangeState, Member
from deployments.models import User
from deployments.repositories.clusters import cluster_changes
from deployments.services.clusters import cluster_requests, handing_on, progress
from deployments.services.permissions.access import caller_of
from tests import factories
from tests.deployments.lane import Lane
from tests.deployments.lifecycle.test_swarm_clusters import SWARM_ID, lose, make_manager, named

pytestmark = pytest.mark.django_db
TOOK_OVER = "The agent of alpha was not heard for 30 s, so the agent of beta took over."


@pytest.fixture
def cluster(owner: User) -> Cluster:
    """alpha and beta manage it and have agents; nobody's agent is on gamma, a worker, and on delta, a manager."""
    made = Cluster.objects.create(owner=owner, name="farm", swarm_id=SWARM_ID)
    roles = {"alpha": "manager", "beta": "manager", "gamma": "worker", "delta": "manager"}
    nodes = tuple(
        NodeFacts(id=f"node-{name}", hostname=name, role=role, availability="active", state="ready",
                  reachability="reachable" if role == "manager" else "")
        for name, role in roles.items()
    )  # fmt: skip
    for name in ("alpha", "beta"):
        agent = make_manager(owner, made, name)
        facts = SwarmFacts(role=SwarmRole.MANAGER, swarm_id=SWARM_ID, node_id=f"node-{name}", control_available=True)
        swarms.store(agent_id=agent.id, facts=facts, nodes=nodes)
    return made


def ask(lane: Lane, cluster: Cluster, kind: ChangeKind, node: str) -> ChangeRecord:
    (change,) = cluster_requests.change_node(
        caller=lane.caller, cluster_id=cluster.id, node_id=f"node-{node}", action=kind, confirmed=True,
        change_id=uuid4(), at=lane.now(),
    )  # fmt: skip
    return change


def order(change: ChangeRecord) -> CommandRecord:
    return CommandRecord.objects.filter(deployment_id=change.id).latest("number")


def report(lane: Lane, change: ChangeRecord, *, by: str, outcome: CommandOutcome = CommandOutcome.SUCCEEDED) -> None:
    command = order(change)
    body = CommandFinished(outcome=outcome, message="" if outcome is CommandOutcome.SUCCEEDED else "Docker would not.")
    progress.apply_report(
        report=Report(
            command_id=command.id, deployment_id=change.id, agent_id=named(by), number=command.last_report_number + 1,
            at=lane.now(), body=body,
        ),
        at=lane.now(),
    )  # fmt: skip


def now_of(change: ChangeRecord) -> ChangeRecord:
    found = cluster_changes.find(change_id=change.id)
    assert found is not None
    return found


KINDS = (ChangeKind.DRAIN, ChangeKind.PROMOTE, ChangeKind.REMOVE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_a_lost_agent_is_handed_on_under_a_higher_number(
    lane: Lane, cluster: Cluster, kind: ChangeKind
) -> None:
    change = ask(lane, cluster, kind, "gamma")
    before = order(change)
    assert (before.agent_id, handing_on.hand_on_lost()) == (named("alpha"), 0)
    lose("alpha")
    assert handing_on.hand_on_lost() == 1
    after = order(change)
    assert (after.agent_id, after.number) == (named("beta"), before.number + 1)
    assert (now_of(change).state, now_of(change).message) == (ChangeState.WORKING, TOOK_OVER)
    assert handing_on.hand_on_lost() == 0
    with pytest.raises(CommandNotFound):
        report(lane, change, by="alpha")
    report(lane, change, by="beta")
    assert (now_of(change).state, now_of(change).message) == (ChangeState.DONE, TOOK_OVER)


def test_tokens_that_another_manager_could_not_replace_say_who_tried(lane: Lane, cluster: Cluster) -> None:
    (rotation,) = cluster_requests.rotate_tokens(
        caller=lane.caller, cluster_id=cluster.id, change_id=uuid4(), at=lane.now()
    )
    lose("alpha")
    assert handing_on.hand_on_lost() == 1
    report(lane, rotation, by="beta", outcome=CommandOutcome.FAILED)
    ended = now_of(rotation)
    assert (ended.state, ended.message) == (ChangeState.REFUSED, f"Docker would not. {TOOK_OVER}")


def test_a_node_is_made_a_worker_by_another_manager_than_itself(lane: Lane, cluster: Cluster) -> None:
    change = ask(lane, cluster, ChangeKind.DEMOTE, "beta")
    assert order(change).agent_id == named("alpha")
    lose("alpha")
    # beta alone is left, and does not take itself out: all stays as it is until the deadline.
    assert handing_on.hand_on_lost() == 0
    assert order(change).agent_id == named("alpha")


def test_what_a_servers_own_agent_has_to_do_waits_for_it(lane: Lane, cluster: Cluster) -> None:
    change = ask(lane, cluster, ChangeKind.LEAVE, "alpha")
    # Made a worker by another manager, it leaves by itself.
    report(lane, change, by="beta")
    assert (order(change).agent_id, order(change).payload["action"]) == (named("alpha"), "leave")
    lose("alpha")
    assert handing_on.hand_on_lost() == 0
    assert now_of(change).state is ChangeState.WORKING


def test_a_join_goes_on_though_the_manager_that_had_the_token_is_lost(lane: Lane, cluster: Cluster) -> None:
    server = factories.make_server(lane.owner, name="epsilon")
    agent = factories.make_agent(server)
    Agent.objects.filter(pk=agent.pk).update(
        swarm={"role": "none"}, protocol=Agent.objects.get(pk=named("beta")).protocol
    )
    (change,) = cluster_requests.join_cluster(
        caller=caller_of(lane.owner), cluster_id=cluster.id, member=Member(server_id=server.id), change_id=uuid4(),
        at=lane.now(),
    )  # fmt: skip
    assert (order(change).agent_id, order(change).payload["action"]) == (named("alpha"), "token")
    lose("alpha")
    assert handing_on.hand_on_lost() == 1
    assert order(change).agent_id == named("beta")
