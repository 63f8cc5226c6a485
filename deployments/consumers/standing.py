"""Whether what was checked of each open socket still holds: asked for all sockets of a process in a few statements.

A proof is what the identity was read from (a token or a session, and the user); while its rows are as they were, and
have not ended, the identity is. Whoever is not certainly allowed still is checked anew by himself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakKeyDictionary, WeakSet

from channels.db import database_sync_to_async

from deployments.consumers.shared_reads import shared_reads, slot
from deployments.services.permissions import access
from deployments.services.permissions.proofs import marks_of
from deployments.types import Caller

# However unchanged everything looks: then it is checked anew.
FULL_CHECK_SECONDS = 600.0


@dataclass(eq=False, kw_only=True)
class Standing:
    """What one socket may see, and by which proof. `marks` were read before its last check; None before the first.

    Where a right is not one to a project, `project_id` is None, and it is checked each time.
    """

    proof: tuple[str, str]
    caller: Caller
    project_id: UUID | None
    marks: Mapping[str, str] | None = None
    checked_at: float = field(default_factory=time.monotonic)

    @property
    def names(self) -> tuple[str, str]:
        kind, key = self.proof
        return f"{kind}:{key}", f"user:{self.caller.user_id}"

    def known(self, marks: Mapping[str, str]) -> dict[str, str]:
        """Return those of the marks that it stands on, as far as they are there."""
        return {name: marks[name] for name in self.names if name in marks}


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakSet[Standing]] = WeakKeyDictionary()


def watch(standing: Standing) -> None:
    """Have it asked for with the others of the running event loop, for as long as somebody holds it."""
    _of_loops.setdefault(asyncio.get_running_loop(), WeakSet()).add(standing)


async def marks_now(standing: Standing, *, seconds: float) -> dict[str, str]:
    """Return its marks as they were at most so many seconds ago."""
    marks = await shared_reads().get(("proofs", slot(seconds)), _read_marks)
    return standing.known(marks)


async def still_holds(standing: Standing, *, marks: Mapping[str, str], seconds: float) -> bool:
    """Return whether proof and right are certainly as they were when it was checked; at most so many seconds ago."""
    overdue = time.monotonic() - standing.checked_at > FULL_CHECK_SECONDS
    project_id = standing.project_id
    if project_id is None or overdue or marks != standing.marks or len(marks) != len(standing.names):
        return False
    viewers = await shared_reads().get(("viewers", project_id, slot(seconds)), lambda: _read_viewers(project_id))
    return standing.caller.user_id in viewers


def _watched() -> tuple[Standing, ...]:
    return tuple(_of_loops.get(asyncio.get_running_loop(), ()))


async def _read_marks() -> dict[str, str]:
    watched = _watched()
    keys: dict[str, set[str]] = {"token": set(), "session": set()}
    for standing in watched:
        kind, key = standing.proof
        keys[kind].add(key)
    users = {standing.caller.user_id for standing in watched}
    return await database_sync_to_async(marks_of)(tokens=keys["token"], sessions=keys["session"], users=users)


async def _read_viewers(project_id: UUID) -> frozenset[UUID]:
    callers = [standing.caller for standing in _watched() if standing.project_id == project_id]
    return await database_sync_to_async(access.viewers_among)(project_id=project_id, callers=callers)
