"""Services that a person has moved to another node of the Swarm: their volumes are those of that node from then on."""

from __future__ import annotations

from agents.runner.commands.context import Work
from agents.runner.commands.swarm.lane_state import LaneState
from agents.runner.commands.swarm.stack_file import volume_services
from agents.runner.commands.swarm.swarm_model import Seen
from agents.runner.errors import StepFailedError
from agents.runner.planning.model import Release


def moved_places(release: Release) -> dict[str, str]:
    """Return by volume the node to which the release moves it."""
    if not release.moves:
        return {}
    mounted = volume_services(release)
    return {volume: node for name, node in release.moves.items() for volume in mounted.get(name, ())}


def check_moves(*, release: Release, seen: Seen) -> None:
    """Raise StepFailedError(invalid) for a node that takes no tasks now, before anything is touched."""
    for name, node_id in sorted(release.moves.items()):
        node = seen.nodes.get(node_id)
        if node is None:
            why = f"The Swarm has no node {node_id} any more"
        elif not node.is_ready:
            why = f"The node {node.name} is down"
        elif not node.is_active:
            why = f"The node {node.name} is drained or paused"
        else:
            continue
        raise StepFailedError("invalid", f"{why}: {name} cannot move there. Nothing was touched.", service=name)


def tell_moves(*, work: Work, release: Release, state: LaneState, seen: Seen) -> None:
    """Say in the log what becomes of the data of what moves."""
    mounted = volume_services(release) if release.moves else {}
    for name, node_id in sorted(release.moves.items()):
        there = seen.node_name(node_id)
        for volume in mounted.get(name, ()):
            former = state.places.get(volume, "")
            left = f" What it holds on {seen.node_name(former)} is left there." if former not in ("", node_id) else ""
            text = f"{name} moves to {there} and has the volume {volume} of that node, empty if there is none.{left}\n"
            work.reporter.log(source="agent", service=name, text=text)
