"""Sends reports in order and again until they are acknowledged. Knows no transport beyond a `write`."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable

from agents.contracts import runner_pb2 as pb
from agents.runner.journal.command_journal import Journal

PAGE = 50
# A report written to a living stream and not acknowledged for this long is sent again.
logger = logging.getLogger(__name__)
RESEND_SECONDS = 5.0


class ReportDelivery:
    """One session's sending side, from the oldest report that is not acknowledged. Lives in the session's loop."""

    def __init__(self, *, journal: Journal, write: Callable[[pb.FromAgent], Awaitable[None]]) -> None:
        self._journal = journal
        self._write = write
        self._position = 0
        self._news = asyncio.Event()
        self._news.set()
        self._heard_at = time.monotonic()

    def wake(self) -> None:
        """Look for new reports now."""
        self._news.set()

    async def run(self) -> None:
        """Send reports until cancelled."""
        while True:
            self._news.clear()
            await self._send_new()
            try:
                async with asyncio.timeout(RESEND_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                if time.monotonic() - self._heard_at >= RESEND_SECONDS:
                    self._position = 0

    async def _send_new(self) -> None:
        while reports := self._journal.pending_reports(after=self._position, limit=PAGE):
            for report in reports:
                self._position = report.position
                await self._write(pb.FromAgent(report=pb.Report.FromString(report.body)))
                # An answer that came meanwhile may have asked to go back.
                if self._position != report.position:
                    break
            await asyncio.sleep(0)

    def acknowledged(self, answer: pb.ReportsAcknowledged) -> None:
        """Forget what is stored; an answer that acknowledges nothing new tells of a gap or a repeat, so it asks for
        what follows its number, at most once a second."""
        forgotten = self._journal.acknowledge(command_id=answer.command_id, number=answer.number)
        now = time.monotonic()
        if not forgotten and now - self._heard_at >= 1.0:
            oldest = self._journal.oldest_pending(answer.command_id)
            if oldest is not None and oldest <= self._position:
                self._position = oldest - 1
                self._news.set()
        if forgotten:
            self._heard_at = now


async def deliver(delivery: ReportDelivery) -> None:
    """Send reports until cancelled, also after the journal could not be read for a while."""
    while True:
        try:
            await delivery.run()
        except sqlite3.DatabaseError as error:
            logger.warning("the journal cannot be read: %s", error)
            await asyncio.sleep(RESEND_SECONDS)
