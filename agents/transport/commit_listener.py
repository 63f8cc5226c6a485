"""Listens for commits that queued a command or changed what history keeps, and for who wants to read logs.

Of commits it only wakes: the tables are the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import psycopg
import structlog

from agents.backoff import Backoff
from agents.services.command_delivery import (
    CHANNEL,
    ENDED_CHANNEL,
    LOGS_CHANNEL,
    RETENTION_CHANNEL,
    RUNS_CHANNEL,
    TRUST_CHANNEL,
    UPDATES_CHANNEL,
)
from agents.transport.intake.job_run_intake import RunStops
from agents.transport.intake.log_intake import LogIntake
from agents.transport.intake.update_intake import UpdateOrders
from agents.transport.retention_announcer import RetentionAnnouncer
from agents.transport.session_registry import SessionRegistry

logger = structlog.get_logger(__name__)

CHANNELS = (
    CHANNEL,
    RETENTION_CHANNEL,
    LOGS_CHANNEL,
    ENDED_CHANNEL,
    TRUST_CHANNEL,
    RUNS_CHANNEL,
    UPDATES_CHANNEL,
)
RETRY = Backoff(first=0.2, most=5.0)
CONNECT_DEADLINE = 5


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """Whom notices are for. `ended` is told whose credential has ended, `trust` that other authorities are trusted."""

    registry: SessionRegistry
    retentions: RetentionAnnouncer
    logs: LogIntake
    ended: Callable[[UUID], None]
    trust: Callable[[], None]
    stops: RunStops
    updates: UpdateOrders

    def tell(self, channel: str, payload: str) -> None:
        """Hand on one notice."""
        if channel == LOGS_CHANNEL:
            self.logs.ask(payload)
        elif channel == TRUST_CHANNEL:
            self.trust()
        elif channel == ENDED_CHANNEL:
            if (agent_id := _agent_of(payload)) is not None:
                self.ended(agent_id)
        else:
            wakers = {
                CHANNEL: self.registry.wake,
                RUNS_CHANNEL: self.stops.look_at,
                UPDATES_CHANNEL: self.updates.look_at,
            }
            wakers.get(channel, self.retentions.look_at)(agent_id=_agent_of(payload))


async def listen(*, conninfo: str, listeners: Listeners) -> None:
    """Hand on each notification; reconnects for ever, slower each time. Ends by cancellation."""
    failures = 0
    while True:
        try:
            async with await _connect(conninfo) as connection:
                for channel in CHANNELS:
                    await connection.execute(f"LISTEN {channel}".encode())
                failures = 0
                # Something may have happened while nobody listened.
                listeners.registry.wake()
                listeners.retentions.look_at()
                listeners.stops.look_at()
                listeners.updates.look_at()
                listeners.trust()
                async for notice in connection.notifies():
                    listeners.tell(notice.channel, notice.payload)
        except psycopg.Error as error:
            logger.warning("database unavailable, retrying", what="notifications", error=str(error).strip())
        failures += 1
        await asyncio.sleep(RETRY.pause(failures=failures))


async def _connect(conninfo: str) -> psycopg.AsyncConnection:
    """Return a connection that listens."""
    # Cancelled half-way, the driver would leave its socket open: so we wait for it, and close it.
    connecting = asyncio.ensure_future(
        psycopg.AsyncConnection.connect(
            conninfo,
            autocommit=True,
            connect_timeout=CONNECT_DEADLINE,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
    )
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        with suppress(psycopg.Error):
            await (await connecting).close()
        raise


def _agent_of(payload: str) -> UUID | None:
    """Return whom it is about; None when that cannot be read, so that everybody is looked at."""
    try:
        return UUID(payload)
    except ValueError:
        return None
