"""Whether anything wants the reconciler's attention, asked once for all that it looks after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

from agents.states import OPEN as UNFINISHED_COMMANDS
from deployments.data.installation_types import OPEN
from deployments.states import ACTIVE, Status

# Each part ends at the first row, found in an index. Of the agents all are read: they are few.
_LOOK = """
SELECT
  EXISTS (SELECT FROM deployments WHERE status = %(pending)s),
  EXISTS (SELECT FROM deployments WHERE status = ANY(%(active)s) AND rolled_back_by_id IS NULL),
  EXISTS (
    SELECT FROM observed_stacks AS seen
    LEFT JOIN stack_states AS judged ON judged.project_id = seen.project_id AND judged.server_id = seen.server_id
    WHERE judged.judged_number IS DISTINCT FROM seen.number AND EXISTS (
      SELECT FROM deployment_history WHERE project_id = seen.project_id AND target_id = seen.server_id)),
  EXISTS (SELECT FROM stack_drifts WHERE due_at IS NOT NULL)
  OR EXISTS (SELECT FROM stack_drifts WHERE soak_until IS NOT NULL)
  OR EXISTS (
    SELECT FROM stack_drifts JOIN projects ON projects.id = stack_drifts.project_id
    WHERE projects.automatic_repair AND stack_drifts.repairs_stopped_at IS NULL AND stack_drifts.differences <> '[]'),
  EXISTS (SELECT FROM agent_installations WHERE state = ANY(%(open)s)),
  EXISTS (SELECT FROM agent_update_rollouts WHERE state = 'running'),
  EXISTS (
    SELECT FROM deployments
    WHERE status = ANY(%(active)s) AND rolled_back_by_id IS NULL AND deadline_at <= statement_timestamp())
  OR EXISTS (
    SELECT FROM agent_commands AS command JOIN agents AS agent ON agent.id = command.agent_id
    WHERE command.status = ANY(%(unfinished)s) AND (agent.last_seen_at IS NULL OR agent.revoked_at IS NOT NULL
      OR agent.last_seen_at < statement_timestamp() - %(lost)s)),
  (SELECT concat(count(*), ' ', sum(hashtextextended(concat_ws('/', id, session_id, condition->>'engine_answers',
     missing_images::text, round(ln(greatest((condition->>'disk_free')::numeric, 1)) * 10)), 0)))
   FROM agents WHERE revoked_at IS NULL AND last_seen_at > statement_timestamp() - %(silence)s)
"""


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Which parts have something to look at.

    `presence` is another text when an agent came, went, connected anew, or told something new of its engine, its images
    or (a tenth more or less) its free space.
    `waiting`: a deployment is pending; `working`: one is at work; `overdue`: one has passed its deadline, or a
    command's agent is silent, so that somebody may have to end it; `changed`: a stack is seen otherwise than it was
    judged; `drifting`: a stack is to be compared, repaired or watched; `installing`: an agent is being installed;
    `updating`: agents are being updated.
    """

    waiting: bool = True
    working: bool = True
    overdue: bool = True
    changed: bool = True
    drifting: bool = True
    installing: bool = True
    updating: bool = True
    presence: str = ""

    @property
    def is_wanted(self) -> bool:
        return self.waiting or self.working or self.changed or self.drifting or self.installing or self.updating


def look(*, silence: timedelta, lost: timedelta) -> Attention:
    """Return what wants attention now, in one statement that changes nothing.

    An agent is gone after `silence`; somebody may have to do its work after `lost`.
    """
    values: dict[str, Any] = {"pending": Status.PENDING, "active": sorted(ACTIVE), "silence": silence}
    values |= {"lost": lost, "unfinished": [str(status) for status in sorted(UNFINISHED_COMMANDS)]}
    values["open"] = [str(state) for state in OPEN]
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, values)
        waiting, working, changed, drifting, installing, updating, overdue, presence = cursor.fetchone()
    return Attention(
        waiting=waiting,
        working=working,
        overdue=overdue,
        changed=changed,
        drifting=drifting,
        installing=installing,
        updating=updating,
        presence=presence,
    )
