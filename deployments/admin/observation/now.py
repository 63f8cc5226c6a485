"""How everything is now, for the first page."""

from __future__ import annotations

from typing import Any

from deployments.rules.conditions import StackCondition
from deployments.services.incidents import people
from deployments.services.queries import stack_list
from deployments.types import Caller

MAX_UNWELL = 12


def incidents_now(caller: Caller) -> dict[str, Any]:
    """Return the newest open incidents, and how many there are."""
    briefs, total = people.open_briefs(caller=caller)
    return {"open": briefs, "total": total}


def stacks_now(caller: Caller) -> dict[str, Any]:
    """Return how many stacks run, and those that do not, the worst first."""
    found = stack_list.list_stacks(caller=caller)
    well = {StackCondition.RUNNING, StackCondition.NOTHING}
    meant = [line for line in found.lines if line.seen.state.condition is not StackCondition.NOTHING]
    unwell = [line for line in stack_list.worst_first(found.lines) if line.seen.state.condition not in well]
    return {
        "running": sum(line.seen.state.condition is StackCondition.RUNNING for line in meant),
        "meant": len(meant),
        "unwell": [
            {
                "projectId": str(line.project_id),
                "projectName": line.project_name,
                "serverName": line.server_name,
                "state": str(line.seen.state.condition),
                "since": line.seen.state.since_ms,
                "message": line.seen.state.message,
            }
            for line in unwell[:MAX_UNWELL]
        ],
        "moreUnwell": max(0, len(unwell) - MAX_UNWELL),
        "leftOut": found.left_out,
    }
