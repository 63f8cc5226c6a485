"""What speaks against a change of a node, and what is said of it first: pure."""

from __future__ import annotations

import pytest

from agents.swarm import NodeFacts
from deployments.data.cluster_types import ChangeKind, NodeLine
from deployments.rules import swarm_rules


def swarm(*managers: str, workers: int = 0) -> tuple[NodeFacts, ...]:
    """Managers by their reachability, the first one leads; then workers that are ready."""
    made = [
        NodeFacts(
            id=f"m{at}", hostname=f"m{at}", role="manager", reachability=word, state="ready", availability="active",
            leader=at == 0,
        )
        for at, word in enumerate(managers)
    ]  # fmt: skip
    return (
        *made,
        *(
            NodeFacts(id=f"w{at}", hostname=f"w{at}", role="worker", state="ready", availability="active")
            for at in range(workers)
        ),
    )


def line(facts: NodeFacts, *, connected: bool = True, volumes: tuple[str, ...] = ()) -> NodeLine:
    return NodeLine(facts=facts, server_id=None, server_name="", connected=connected, volumes=volumes)


UP, AWAY = "reachable", "unreachable"


@pytest.mark.parametrize(
    ("managers", "left"),
    [((), 0), ((UP,), 0), ((UP, UP), 0), ((UP,) * 3, 1), ((UP, UP, AWAY), 0), ((UP,) * 5, 2), ((UP,) * 4 + (AWAY,), 1)],
)
def test_how_many_managers_may_fail(managers: tuple[str, ...], left: int) -> None:
    assert swarm_rules.may_fail(swarm(*managers)) == left


@pytest.mark.parametrize(
    ("action", "nodes", "at", "why"),
    [
        (ChangeKind.DEMOTE, swarm(UP, workers=1), 0, "only manager"),
        (ChangeKind.LEAVE, swarm(UP, workers=1), 0, "only manager"),
        (ChangeKind.DEMOTE, swarm(UP, UP, AWAY), 1, "quorum would be lost"),
        # The one that is away may go: two of two are left.
        (ChangeKind.DEMOTE, swarm(UP, UP, AWAY), 2, ""),
        (ChangeKind.DEMOTE, swarm(UP, UP), 1, ""),
        (ChangeKind.DEMOTE, swarm(UP, workers=1), 1, "not a manager"),
        (ChangeKind.PROMOTE, swarm(UP, UP), 1, "a manager already"),
        (ChangeKind.REMOVE, swarm(UP, workers=1), 1, "have it leave"),
        # The last node of all ends the swarm.
        (ChangeKind.LEAVE, swarm(UP), 0, ""),
    ],
)
def test_what_cannot_be_done_is_refused(action: ChangeKind, nodes: tuple[NodeFacts, ...], at: int, why: str) -> None:
    refusal = swarm_rules.why_not(action, node=line(nodes[at]), nodes=nodes)
    assert why in refusal if why else not refusal


def test_consequences_name_the_quorum_the_tasks_and_the_volumes() -> None:
    nodes = swarm(UP, UP, UP, workers=1)
    said = " ".join(swarm_rules.consequences(ChangeKind.LEAVE, node=line(nodes[0], volumes=("db",)), nodes=nodes))
    for words in ("2 managers", "none of them may fail", "It leads now", "other nodes", "db", "is no node"):
        assert words in said
    drained = " ".join(
        swarm_rules.consequences(ChangeKind.DRAIN, node=line(nodes[3], volumes=("db",)), nodes=nodes[3:])
    )
    assert "No other node can take" in drained
    assert "until the node is active again" in drained
    assert swarm_rules.consequences(ChangeKind.ACTIVATE, node=line(nodes[3]), nodes=nodes) == ()
    last = swarm_rules.consequences(ChangeKind.LEAVE, node=line(swarm(UP)[0]), nodes=swarm(UP))
    assert "the Swarm ends with it" in last[0]
