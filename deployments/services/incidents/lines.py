"""The last lines of the containers that an incident is about, asked from their agent once, when it was opened.

They are kept with the incident: afterwards the containers may be gone. A process that dies while it asks leaves an
incident that is due again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import uuid4

import structlog
from asgiref.sync import async_to_sync

from deployments.data.incident_types import Cause, IncidentRecord
from deployments.data.log_types import LogPart, LogQuery, OpenedLogs, ShownLine
from deployments.errors import DeployError
from deployments.repositories import clock
from deployments.repositories.observation import incident_rows
from deployments.rules.incident_rules import MAX_LINES
from deployments.services.logs import open as opening
from deployments.services.logs import reader

# Of a stack that is gone there is nobody left to ask, and what failed to deploy brings its own.
WITH_LINES = frozenset({Cause.RESTARTING, Cause.DEGRADED})
MAX_LINE = 500
MAX_SERVICES = 20
# Longer than reading may take.
LEASE = timedelta(seconds=60)
# An agent that does not answer by then is asked no more.
PATIENCE = timedelta(minutes=5)
STOP_LOOK_SECONDS = 0.5

logger = structlog.get_logger(__name__)


def gather_next(*, stopped: Callable[[], bool] = lambda: False) -> bool:
    """Ask for the lines of the incident that is due first and store them; return False when none is due.

    Whoever is `stopped` meanwhile stores nothing: it is due again after the lease.
    """
    # One statement while there is nothing to do.
    incident = incident_rows.claim_lines(now=clock.now(), lease=LEASE) if incident_rows.any_without_lines() else None
    if incident is None:
        return False
    found = _read(incident, stopped)
    if found is None:
        return False
    if found or clock.now() - incident.opened_at > PATIENCE:
        incident_rows.store_lines(incident_id=incident.id, lines=found)
    return True


def _read(incident: IncidentRecord, stopped: Callable[[], bool]) -> list[str] | None:
    """Return the lines, none where nobody could tell them now, and nothing at all when stopped."""
    query = LogQuery(
        project_id=incident.project_id,
        server_id=incident.server_id,
        services=incident.services[:MAX_SERVICES],
        tail=MAX_LINES,
    )
    try:
        opened = opening.ask_for_logs(query=query, request_id=uuid4())
        part = async_to_sync(_read_unless)(opened, stopped=stopped)
    except DeployError as error:
        logger.info("no lines for an incident", incident_id=str(incident.id), error=error.message)
        return []
    return None if part is None else shown(part.lines)


async def _read_unless(opened: OpenedLogs, *, stopped: Callable[[], bool]) -> LogPart | None:
    """Read until the end or until stopped: an agent that does not answer must not keep a process from ending."""
    reading = asyncio.ensure_future(reader.read_past(opened))
    while not reading.done():
        if stopped():
            reading.cancel()
            await asyncio.wait({reading})
            return None
        await asyncio.wait({reading}, timeout=STOP_LOOK_SECONDS)
    return reading.result()


def shown(lines: Sequence[ShownLine]) -> list[str]:
    """Return lines as the incident keeps them: the newest, with the container where there are several. Pure."""
    several = len({line.container for line in lines}) > 1
    texts = [f"{line.container}: {line.text}" if several else line.text for line in lines[-MAX_LINES:]]
    return [text[:MAX_LINE] for text in texts]
