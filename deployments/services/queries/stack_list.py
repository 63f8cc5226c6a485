"""The stacks that somebody may see and how each is now: for lists, the dashboard and the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from agents.services import clusters, directory
from deployments.rules.conditions import WORST_FIRST
from deployments.rules.observed import SeenStack
from deployments.services.observation import stacks
from deployments.services.permissions import access
from deployments.types import Caller, Right

# Of the caller's projects, by name; the rest is looked at one by one.
MAX_PROJECTS = 500


@dataclass(frozen=True, kw_only=True)
class StackLine:
    """A project on a server or cluster, and how its stack is now. On a cluster `server_id` is the cluster's."""

    project_id: UUID
    project_name: str
    server_id: UUID
    server_name: str
    seen: SeenStack


@dataclass(frozen=True, kw_only=True)
class StackList:
    """By name of project and server. `left_out`: projects beyond MAX_PROJECTS, whose stacks are not among them."""

    lines: tuple[StackLine, ...]
    left_out: int = 0


def list_stacks(*, caller: Caller, project_id: UUID | None = None) -> StackList:
    """Return the stacks of one project, or of all that the caller may see. Raises NotFound for strangers."""
    if project_id is None:
        projects = access.projects_of(caller)
    else:
        projects = (access.project_for(caller=caller, project_id=project_id, right=Right.SEE),)
    names = {project.id: project.name for project in projects[:MAX_PROJECTS]}
    lines = sorted(_lines(names), key=lambda line: (line.project_name, line.server_name, line.server_id))
    return StackList(lines=tuple(lines), left_out=max(0, len(projects) - MAX_PROJECTS))


def stacks_by_project(*, project_ids: Collection[UUID]) -> dict[UUID, tuple[StackLine, ...]]:
    """Return the stacks of each of these projects, the worst first. The caller may see them: a door has asked."""
    found: dict[UUID, list[StackLine]] = defaultdict(list)
    for line in _lines(dict.fromkeys(project_ids, "")):
        found[line.project_id].append(line)
    return {project_id: worst_first(lines) for project_id, lines in found.items()}


def worst_first(lines: Sequence[StackLine]) -> tuple[StackLine, ...]:
    return tuple(sorted(lines, key=lambda line: (WORST_FIRST.index(line.seen.state.condition), line.server_name)))


def _lines(names: dict[UUID, str]) -> list[StackLine]:
    looks = stacks.look_at(project_ids=list(names))
    targets = {look.stack.server_id for look in looks}
    servers = {**directory.server_names(server_ids=targets), **clusters.names(cluster_ids=targets)}
    return [
        StackLine(
            project_id=look.stack.project_id,
            project_name=names[look.stack.project_id],
            server_id=look.stack.server_id,
            server_name=servers.get(look.stack.server_id, str(look.stack.server_id)[:8]),
            seen=look.seen,
        )
        for look in looks
        if not look.stack.removed
    ]
