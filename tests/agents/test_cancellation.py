"""A task that loses a cancellation ends all the same."""

from __future__ import annotations

import asyncio

from agents.cancellation import MAX_CANCELLATIONS, cancel_until_ended


async def stubborn(losses: int) -> None:
    """Lose so many cancellations, as `wait_for` may."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if losses == 0:
                raise
            losses -= 1


async def test_a_lost_cancellation_is_made_anew() -> None:
    tasks = [asyncio.create_task(stubborn(losses)) for losses in (0, 1, 3)]
    await asyncio.sleep(0)
    assert await cancel_until_ended(tasks, seconds=0.01) == frozenset()
    assert all(task.cancelled() for task in tasks)


async def test_one_that_never_ends_is_returned() -> None:
    task = asyncio.create_task(stubborn(MAX_CANCELLATIONS))
    await asyncio.sleep(0)
    assert await cancel_until_ended([task], seconds=0.01) == {task}
    assert await cancel_until_ended([task], seconds=0.01) == frozenset()


async def test_what_has_ended_already_is_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    assert await cancel_until_ended([task]) == frozenset()
    assert not task.cancelled()
