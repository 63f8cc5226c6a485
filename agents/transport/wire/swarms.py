"""The Swarm that an agent tells of, from the wire and within bounds."""

from __future__ import annotations

from agents.contracts import runner_pb2
from agents.limits import MAX_ERROR_BYTES, MAX_MANAGERS, MAX_NAME_BYTES, MAX_NODE_LABELS, MAX_NODES, MAX_WORD_BYTES
from agents.reports.report_bounds import cut
from agents.swarm import NodeFacts, SwarmFacts, SwarmRole
from agents.types import SwarmCommand


def facts_from_wire(message: runner_pb2.SwarmSeen) -> SwarmFacts:
    """Cut what the agent says to what a page can show and the database can keep."""
    return SwarmFacts(
        role=SwarmRole(message.role) if message.role in set(SwarmRole) else SwarmRole.UNKNOWN,
        state=_word(message.state),
        swarm_id=_word(message.swarm_id),
        node_id=_word(message.node_id),
        leader=message.leader,
        control_available=message.control_available,
        node_address=_name(message.node_address),
        manager_addresses=tuple(_name(each) for each in message.manager_addresses[:MAX_MANAGERS]),
        error=cut(message.error, MAX_ERROR_BYTES),
        nodes_count=max(0, message.nodes_count),
    )


def nodes_from_wire(message: runner_pb2.SwarmSeen) -> tuple[NodeFacts, ...] | None:
    """Return the nodes, those without an id left out; None of an engine that cannot read them."""
    if message.role != SwarmRole.MANAGER or not message.control_available:
        return None
    return tuple(_node(each) for each in message.nodes[:MAX_NODES] if each.id)


def _node(message: runner_pb2.SwarmNode) -> NodeFacts:
    labels = sorted(message.labels.items())[:MAX_NODE_LABELS]
    return NodeFacts(
        id=_word(message.id),
        hostname=_name(message.hostname),
        role=_word(message.role),
        leader=message.leader,
        reachability=_word(message.reachability),
        availability=_word(message.availability),
        state=_word(message.state),
        message=cut(message.message, MAX_ERROR_BYTES),
        address=_name(message.address),
        engine_version=_word(message.engine_version),
        os=_word(message.os),
        architecture=_word(message.architecture),
        cpus=max(0.0, message.cpus),
        memory_bytes=max(0, message.memory_bytes),
        labels={_word(name): _word(value) for name, value in labels},
    )


def _word(text: str) -> str:
    return cut(text, MAX_WORD_BYTES)


def _name(text: str) -> str:
    return cut(text, MAX_NAME_BYTES)


def change_to_wire(command: SwarmCommand) -> runner_pb2.SwarmChange:
    return runner_pb2.SwarmChange(
        action=command.action,
        advertise_address=command.advertise_address,
        role=command.role,
        manager_addresses=command.manager_addresses,
        node_id=command.node_id,
        availability=command.availability,
        force=command.force,
    )
