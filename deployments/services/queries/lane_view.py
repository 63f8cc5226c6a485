"""Who holds a target and since when, who waits for it, and what runs there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from deployments.repositories import history, lanes, removed_machines
from deployments.rules.drift import WORDS, SeenDrift
from deployments.rules.observed import SeenStack
from deployments.services.fleet import machine_list
from deployments.services.observation import drift, stacks
from deployments.services.permissions import access
from deployments.types import Caller, DeploymentRecord, HistoryEntry, Right, Target
from deployments.wire import seen_shape

# More than these are unfinished in a project only when something is wrong; the view stays bounded.
MAX_UNFINISHED = 200


@dataclass(frozen=True, kw_only=True)
class LaneView:
    """One project on one target. `waiting` in the order of their turns. `running` was proven last; None for nothing.

    `seen` is how the stack is now, `drift` how it differs from what was deployed; None on a cluster, and where nothing
    was ever proven.

    `gone`: the server or cluster was deleted, and only its history is left.

    The holder is let go at `until` at the latest, whatever happens to its agent.
    """

    target: Target
    target_name: str
    holder: DeploymentRecord | None
    waiting: tuple[DeploymentRecord, ...]
    running: HistoryEntry | None
    seen: SeenStack | None = None
    drift: SeenDrift | None = None
    gone: bool = False

    @property
    def since(self) -> datetime | None:
        return self.holder.started_at if self.holder else None

    @property
    def until(self) -> datetime | None:
        return self.holder.deadline_at if self.holder else None


def view_lanes(*, caller: Caller, project_id: UUID) -> tuple[LaneView, ...]:
    """Return every target on which the project works, waits or ever succeeded, by name. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    unfinished = lanes.unfinished(project_id=project_id, limit=MAX_UNFINISHED)
    running = {entry.target: entry for entry in history.running_by_target(project_id=project_id)}
    targets = {*running, *(deployment.target for deployment in unfinished)}
    names = machine_list.target_names(targets)
    gone = removed_machines.gone_among(target.id for target in targets)
    seen = stacks.seen_stacks(project_id=project_id)
    drifts = drift.seen_drifts(project_id=project_id, seen=seen)
    views = [
        _view(
            target=target,
            name=names[target.id],
            unfinished=tuple(deployment for deployment in unfinished if deployment.target == target),
            running=running.get(target),
            seen=seen.get(target.id),
            differs=drifts.get(target.id),
            gone=target.id in gone,
        )
        for target in targets
    ]
    return tuple(sorted(views, key=lambda view: (view.target_name, view.target.id)))


def seen_shapes(*, caller: Caller, project_id: UUID) -> dict[str, Any]:
    """Return by target how the project's stacks are now, as pages and sockets show it. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    seen = stacks.seen_stacks(project_id=project_id)
    drifts = drift.seen_drifts(project_id=project_id, seen=seen)
    return {
        str(target_id): {**seen_shape(stack), "drift": drift_shape(drifts[target_id])}
        for target_id, stack in seen.items()
    }


def _view(
    *,
    target: Target,
    name: str,
    unfinished: tuple[DeploymentRecord, ...],
    running: HistoryEntry | None,
    seen: SeenStack | None,
    differs: SeenDrift | None,
    gone: bool,
) -> LaneView:
    holders = [deployment for deployment in unfinished if deployment.holds_lane]
    return LaneView(
        target=target,
        target_name=name,
        holder=holders[0] if holders else None,
        waiting=tuple(deployment for deployment in unfinished if not deployment.holds_lane),
        running=running,
        seen=seen,
        drift=differs,
        gone=gone,
    )


def drift_shape(drift: SeenDrift) -> dict[str, Any]:
    """Return how a stack differs from what was deployed. Holds no value of a variable, a command or a label."""
    return {
        "whyNot": drift.why_not,
        "differences": [
            {
                "nodeId": each.node_id,
                "serviceName": each.service,
                "aspect": str(each.aspect),
                "name": WORDS.get(each.aspect, str(each.aspect)),
                "meant": each.meant,
                "there": each.there,
                "since": each.since_ms,
                "leftBy": each.left_by,
                "repairable": each.repairable,
            }
            for each in drift.differences
        ],
        "repairsStopped": drift.repairs_message,
        "soakUntil": drift.soak_until_ms,
        "soakMessage": drift.soak_message,
    }
