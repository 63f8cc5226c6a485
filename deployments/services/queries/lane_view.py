"""Who holds a target and since when, who waits for it, and what runs there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from deployments.repositories import history, lanes
from deployments.services.fleet import machines
from deployments.services.permissions import access
from deployments.types import Caller, DeploymentRecord, HistoryEntry, Right, Target

# More than these are unfinished in a project only when something is wrong; the view stays bounded.
MOST_UNFINISHED = 200


@dataclass(frozen=True, kw_only=True)
class LaneView:
    """One project on one target. `waiting` in the order of their turns. `running` was proven last; None for nothing.

    The holder is let go at `until` at the latest, whatever happens to its agent.
    """

    target: Target
    target_name: str
    holder: DeploymentRecord | None
    waiting: tuple[DeploymentRecord, ...]
    running: HistoryEntry | None

    @property
    def since(self) -> datetime | None:
        return self.holder.started_at if self.holder else None

    @property
    def until(self) -> datetime | None:
        return self.holder.deadline_at if self.holder else None


def view_lanes(*, caller: Caller, project_id: UUID) -> tuple[LaneView, ...]:
    """Every target on which the project works, waits or ever succeeded, by name. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    unfinished = lanes.unfinished(project_id=project_id, limit=MOST_UNFINISHED)
    running = {entry.target: entry for entry in history.running_by_target(project_id=project_id)}
    targets = {*running, *(deployment.target for deployment in unfinished)}
    names = machines.target_names(targets)
    views = [
        _view(
            target=target,
            name=names[target.id],
            unfinished=tuple(deployment for deployment in unfinished if deployment.target == target),
            running=running.get(target),
        )
        for target in targets
    ]
    return tuple(sorted(views, key=lambda view: (view.target_name, view.target.id)))


def _view(
    *, target: Target, name: str, unfinished: tuple[DeploymentRecord, ...], running: HistoryEntry | None
) -> LaneView:
    holders = [deployment for deployment in unfinished if deployment.holds_lane]
    return LaneView(
        target=target,
        target_name=name,
        holder=holders[0] if holders else None,
        waiting=tuple(deployment for deployment in unfinished if not deployment.holds_lane),
        running=running,
    )
