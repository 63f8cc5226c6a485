"""Tells the control plane what became of runs, each state until it is stored, also those of a time without anybody."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import JOB_RUNS_PROTOCOL
from agents.limits import MAX_JOB_RUNS
from agents.runner.journal.scheduled_runs import ScheduledRuns

# Without a word that they are stored they are told again.
AGAIN_SECONDS = 30.0
logger = logging.getLogger(__name__)


class JobRunSender:
    """All methods but `wake` belong to the event loop."""

    def __init__(self, *, runs: ScheduledRuns) -> None:
        self._runs = runs
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        # What was sent in this session and is not known to be stored: each run with its revision.
        self._told: dict[str, int] = {}

    def wake(self) -> None:
        """Look for something to tell. Safe across threads."""
        self._loop.call_soon_threadsafe(self._news.set)

    def stored(self, message: pb.JobRunsStored) -> None:
        """Take in which states need not be told again, and go on with the next."""
        self._runs.stored(message.runs)
        self._told.clear()
        self._news.set()

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Send what is not stored yet until cancelled, in a session with a gateway that speaks this protocol."""
        self._told.clear()
        self._news.set()
        while True:
            try:
                async with asyncio.timeout(AGAIN_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                self._told.clear()
            self._news.clear()
            if protocol >= JOB_RUNS_PROTOCOL:
                await self._tell(write)

    async def _tell(self, write: Callable[[pb.FromAgent], Awaitable[None]]) -> None:
        try:
            runs = await asyncio.to_thread(self._runs.untold, limit=MAX_JOB_RUNS)
        except sqlite3.DatabaseError as error:
            logger.warning("the journal cannot be read: %s", error)
            return
        new = [run for run in runs if self._told.get(run.run_id) != run.revision]
        if not new:
            return
        self._told.update({run.run_id: run.revision for run in new})
        await write(pb.FromAgent(job_runs=pb.JobRuns(runs=new)))
