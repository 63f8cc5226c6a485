"""Listens for commits that queued a command. Only wakes; the ledger is the truth and is polled besides."""

import asyncio
import random
from contextlib import suppress
from uuid import UUID

import psycopg
import structlog

from agents.services.delivery import CHANNEL
from agents.transport.switchboard import Switchboard

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
CONNECT_DEADLINE = 5


async def listen(*, conninfo: str, switchboard: Switchboard) -> None:
    """Wake the switchboard for each notification; reconnects for ever, slower each time. Ends by cancellation."""
    pause = FIRST_PAUSE
    while True:
        try:
            async with await _connect(conninfo) as connection:
                await connection.execute(f"LISTEN {CHANNEL}".encode())
                pause = FIRST_PAUSE
                switchboard.wake()  # something may have been queued while nobody listened
                async for notice in connection.notifies():
                    _wake(switchboard, notice.payload)
        except psycopg.Error as error:
            log.warning("not listening, will connect again", error=str(error).strip())
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        pause = min(pause * 2, LONGEST_PAUSE)


async def _connect(conninfo: str) -> psycopg.AsyncConnection:
    """A connection that listens. Cancelled half-way, the driver would leave its socket open, so we wait and close."""
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


def _wake(switchboard: Switchboard, payload: str) -> None:
    try:
        switchboard.wake(agent_id=UUID(payload))
    except ValueError:
        switchboard.wake()
