"""What a change of a Swarm's node means: what speaks against it, and what people are told before they want it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agents.swarm import NodeFacts
from agents.wording.sentences import sentence
from deployments.data.cluster_types import ChangeKind, NodeLine

REACHABLE = "reachable"
MAX_NAMED = 10
LOSES_A_MANAGER = frozenset({ChangeKind.DEMOTE, ChangeKind.LEAVE, ChangeKind.REMOVE})


def managers_of(nodes: Iterable[NodeFacts]) -> tuple[NodeFacts, ...]:
    return tuple(each for each in nodes if each.is_manager)


def reachable(nodes: Iterable[NodeFacts]) -> int:
    return sum(each.is_manager and each.reachability == REACHABLE for each in nodes)


def may_fail(nodes: Sequence[NodeFacts]) -> int:
    """Return how many of the managers that are reachable now may be lost with a majority of all managers left."""
    managers = len(managers_of(nodes))
    return max(0, reachable(nodes) - (managers // 2 + 1)) if managers else 0


def why_not(action: ChangeKind, *, node: NodeLine, nodes: Sequence[NodeFacts]) -> str:
    """Return why this cannot be done with the node, for people; empty when it can."""
    facts = node.facts
    if action in LOSES_A_MANAGER and facts.is_manager:
        return _why_not_without(action, facts, nodes)
    if action is ChangeKind.PROMOTE and facts.is_manager:
        return sentence("{hostname} is a manager already.", hostname=facts.hostname)
    if action is ChangeKind.DEMOTE and not facts.is_manager:
        return sentence("{hostname} is not a manager.", hostname=facts.hostname)
    if action is ChangeKind.PROMOTE and not facts.is_ready:
        return sentence(
            "{hostname} is {state}: a manager that is not there counts against the quorum.",
            hostname=facts.hostname,
            state=facts.state,
        )
    if action is ChangeKind.REMOVE and facts.is_ready and node.connected:
        return sentence(
            "{hostname} is there and has an agent: have it leave, so that its engine knows of it.",
            hostname=facts.hostname,
        )
    if action is ChangeKind.LEAVE and not node.connected:
        return sentence(
            "No agent of {hostname} is connected, so its engine cannot be told to leave. Remove it instead.",
            hostname=facts.hostname,
        )
    return ""


def ends_the_swarm(action: ChangeKind, *, node: NodeFacts, nodes: Sequence[NodeFacts]) -> bool:
    """Tell whether the last node goes, and the swarm with it."""
    return action is ChangeKind.LEAVE and {each.id for each in nodes} == {node.id}


def _why_not_without(action: ChangeKind, node: NodeFacts, nodes: Sequence[NodeFacts]) -> str:
    """A majority of the managers that are left has to be reachable; the last manager may only end the swarm."""
    managers = managers_of(nodes)
    if ends_the_swarm(action, node=node, nodes=nodes):
        return ""
    if len(managers) == 1:
        return sentence("{hostname} is the only manager. Promote another node first.", hostname=node.hostname)
    left = tuple(each for each in nodes if each.id != node.id)
    if reachable(left) < len(managers_of(left)) // 2 + 1:
        return sentence(
            "Without {hostname} too few managers would reach each other: the quorum would be lost.",
            hostname=node.hostname,
        )
    return ""


def consequences(action: ChangeKind, *, node: NodeLine, nodes: Sequence[NodeFacts]) -> tuple[str, ...]:
    """Return what follows from it, in sentences, for whoever has to want it; none where nothing is at stake."""
    facts = node.facts
    if action is ChangeKind.ACTIVATE:
        return ()
    said: list[str] = []
    if ends_the_swarm(action, node=facts, nodes=nodes):
        said.append(sentence("This is the last node: the Swarm ends with it, and every service that runs on it stops."))
    elif action is ChangeKind.PROMOTE:
        said.append(_quorum(len(managers_of(nodes)) + 1))
    elif action in LOSES_A_MANAGER and facts.is_manager:
        said.append(_quorum(len(managers_of(nodes)) - 1))
        if facts.leader:
            said.append(sentence("It leads now: another manager takes over, and until then nothing can be changed."))
    if action in (ChangeKind.DRAIN, ChangeKind.LEAVE, ChangeKind.REMOVE):
        said += _tasks(facts, nodes)
        said += _volumes(action, node)
    if action is ChangeKind.REMOVE and facts.is_ready:
        said.append(
            sentence("Its engine is not informed: it has to leave the Swarm on its own before it can join again.")
        )
    return tuple(said)


def _quorum(managers: int) -> str:
    most = (managers - 1) // 2
    are = sentence("1 manager") if managers == 1 else sentence("{managers} managers", managers=managers)
    lost = sentence("{most} of them may fail", most=most) if most else sentence("none of them may fail")
    if managers % 2:
        return sentence("There are {are} then, and {lost} without a loss of the quorum.", are=are, lost=lost)
    return sentence(
        "There are {are} then, and {lost} without a loss of the quorum. An even number is no safer than one less.",
        are=are,
        lost=lost,
    )


def _tasks(node: NodeFacts, nodes: Sequence[NodeFacts]) -> list[str]:
    others = [each for each in nodes if each.id != node.id and each.is_ready and each.availability == "active"]
    if others:
        return [sentence("What is running there is stopped and started on other nodes that may run it.")]
    return [sentence("No other node can take over what is running there: it stops until a node is active again.")]


def _volumes(action: ChangeKind, node: NodeLine) -> list[str]:
    """Volumes stay on the disk where they are; nobody takes their data elsewhere."""
    if not node.volumes:
        return []
    names = ", ".join(node.volumes[:MAX_NAMED]) + (", ..." if len(node.volumes) > MAX_NAMED else "")
    until = (
        sentence("until the node is active again")
        if action is ChangeKind.DRAIN
        else sentence("for as long as it is no node")
    )
    return [
        sentence(
            "These volumes live there and are not moved; services that need them wait {until}: {names}.",
            until=until,
            names=names,
        )
    ]
