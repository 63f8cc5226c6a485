"""What happened to a stack, by number, for whoever goes on where it stopped; and how the stack is now."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.data.stack_event_types import StackEventRecord
from deployments.errors import NotFound
from deployments.repositories.observation import stack_states
from deployments.rules.observed import SeenStack
from deployments.services.observation import stacks
from deployments.services.permissions import access
from deployments.types import Caller, Right


@dataclass(frozen=True, kw_only=True)
class StackEventsPage:
    """Some events in order; `next` is what to read on after, 0 where nothing more is stored.

    `forgotten`: housekeeping has taken some of those asked for. `seen` is how the stack is now, whatever the events
    say; None where nothing is deployed any more.
    """

    events: tuple[StackEventRecord, ...]
    next: int
    forgotten: bool
    seen: SeenStack | None


def stack_events(*, caller: Caller, project_id: UUID, server_id: UUID, sequence: int, limit: int) -> StackEventsPage:
    """Return the stack's events above `sequence`. Raises NotFound for strangers, and where there never was a stack."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    # Read before the events, so that `next` is never 0 while something waits.
    newest = stack_states.last_sequence(project_id=project_id, server_id=server_id)
    seen = stacks.seen_stacks(project_id=project_id).get(server_id)
    if not newest and seen is None:
        raise NotFound(sentence("No such stack."))
    following = stack_states.events_after(project_id=project_id, server_id=server_id, sequence=sequence, limit=limit)
    last = following[-1].sequence if following else newest
    return StackEventsPage(
        events=following,
        next=last if last < newest else 0,
        forgotten=len(following) < last - sequence,
        seen=seen,
    )
