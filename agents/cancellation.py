"""End tasks for certain: before Python 3.12 `asyncio.wait_for` loses a cancellation that comes as its future is done.

Libraries underneath use it (redis, for each command that it sends), so a task that was cancelled once may go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

MAX_CANCELLATIONS = 5


async def cancel_until_ended(
    tasks: Iterable[asyncio.Task[Any]], *, seconds: float = 0.5
) -> frozenset[asyncio.Task[Any]]:
    """Cancel, every `seconds` anew, until they have ended; return those that never do.

    What a task does when it is cancelled must take less than `seconds`, or be shielded. Raises nothing of theirs.
    """
    pending = {task for task in tasks if not task.done()}
    for _ in range(MAX_CANCELLATIONS):
        if not pending:
            break
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=seconds)
    return frozenset(pending)
