"""How the agent itself fares: what it tells the control plane beside its heartbeat."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from pathlib import Path

from agents.condition import AgentCondition
from agents.contracts import runner_pb2 as pb
from agents.runner.activity import Watchdog
from agents.runner.docker.host import DockerHost
from agents.runner.journal.command_journal import Journal

# The version of the session's protocol from which on gateways take a Condition.
CONDITION_PROTOCOL = 2


class SelfCheck:
    """Belongs to the session's loop, which calls it in threads."""

    def __init__(self, *, host: DockerHost, journal: Journal, watchdog: Watchdog, state_dir: Path) -> None:
        self._host = host
        self._journal = journal
        self._store = journal.store
        self._watchdog = watchdog
        self._state_dir = state_dir
        self._handled = 0
        self._tight = False

    def condition(self) -> pb.Condition | None:
        """Return the agent's condition; None while nothing was heard of Docker yet, neither well nor ill."""
        state = self._host.state
        if state is None:
            return None
        total, free = self._space()
        self._tight = self._is_tight(total, free)
        # What waits is read anew each time; a journal that cannot be read is told as `fault`.
        with contextlib.suppress(sqlite3.Error):
            self._watchdog.take_open(self._journal.workable())
        return pb.Condition(
            engine_answers=state.answers,
            engine_message=state.why_not,
            disk_total_bytes=total,
            disk_free_bytes=free,
            fault=self._store.writes.fault,
            stalled=self._watchdog.stalled(),
        )

    async def pause(self, *, seconds: int) -> None:
        """Wait for so long, or until the disk is news: whoever is told in time can still make room."""
        for _ in range(seconds):
            await asyncio.sleep(1)
            if await asyncio.to_thread(self.space_moved):
                return

    def space_moved(self) -> bool:
        """Tell whether the disk became nearly full, or is no longer, since the condition was read last."""
        return self._is_tight(*self._space()) != self._tight

    @staticmethod
    def _is_tight(total: int, free: int) -> bool:
        return bool(AgentCondition(engine_answers=True, disk_total=total, disk_free=free).little_space)

    def _space(self) -> tuple[int, int]:
        """Return the bytes in all and free; what cannot be known is left out."""
        try:
            disk = shutil.disk_usage(self._state_dir)
        except OSError:
            return 0, 0
        return disk.total, disk.free

    def recovered(self) -> bool:
        """Tell whether the journal can be written again after a write had failed: then what broke off may go on."""
        failures = self._store.writes.failures
        if failures == self._handled:
            return False
        try:
            self._store.try_to_write()
        except sqlite3.Error:
            return False
        self._handled = failures
        return True
