"""What machines and containers used: ten seconds each for a day, a minute each for two weeks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from agents.reports.samples import HostSamples
from deployments.data.usage_types import UsagePoint
from deployments.repositories.upkeep.partitions import Parted

SAMPLES = Parted(table="samples", step=timedelta(hours=1), keep=timedelta(days=1))
MINUTES = Parted(table="minute_samples", step=timedelta(days=1), keep=timedelta(days=14))
# Minutes that one round sums up, after housekeeping was away.
MAX_MINUTES = 60
FOLD_LOCK = 7_201_011

# Of a project that was never deployed to its server an agent is not believed.
_INSERT = """
INSERT INTO samples
SELECT now() - make_interval(secs => told.age), agents.server_id, told.project, told.node, told.service, told.container,
       told.cpu, told.memory, told."limit", told.received, told.sent, told.read, told.written, told.disk
FROM jsonb_to_recordset(%s::jsonb) AS told(
    agent uuid, age float8, project uuid, node text, service text, container text, cpu float8, memory bigint,
    "limit" bigint, received float8, sent float8, read float8, written float8, disk bigint)
JOIN agents ON agents.id = told.agent AND agents.revoked_at IS NULL
WHERE told.container = '' OR EXISTS (
    SELECT FROM observed_stacks AS seen WHERE seen.server_id = agents.server_id AND seen.project_id = told.project)
"""
# A minute is summed up when it has ended and no sample of it is on its way any more.
_FOLD = """
WITH span AS (
    SELECT date_trunc('minute', min(at)) AS begin FROM samples
    WHERE at >= coalesce((SELECT max(at) + interval '1 minute' FROM minute_samples), '-infinity')
), taken AS (
    SELECT begin, least(begin + make_interval(mins => %s), date_trunc('minute', now() - interval '30 seconds')) AS until
    FROM span
)
INSERT INTO minute_samples
SELECT date_trunc('minute', at) AS minute, server_id, project_id, node_id, service, container, avg(cpu_percent),
       max(memory_bytes), max(memory_limit_bytes), avg(received), avg(sent), avg(read), avg(written), max(disk_bytes)
FROM samples, taken WHERE at >= taken.begin AND at < taken.until
GROUP BY minute, server_id, project_id, node_id, service, container
"""
_READ = """
SELECT to_timestamp(floor(extract(epoch FROM at) / %(step)s) * %(step)s) AS moment, avg(cpu_percent),
       max(memory_bytes), max(memory_limit_bytes), avg(received), avg(sent), avg(read), avg(written), max(disk_bytes),
       server_id, node_id, service, container
FROM {table} WHERE {of} AND at >= %(since)s
GROUP BY moment, server_id, node_id, service, container ORDER BY container, moment LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point(UsagePoint):
    """What one container, or the machine where its name is empty, used within a step of time."""

    server_id: UUID
    node_id: str
    service: str
    container: str


def store(*, hosts: Sequence[HostSamples]) -> None:
    """Store all of them in one statement. Raises DatabaseError, also where the part for now is missing."""
    rows = [_row(host, sample) for host in hosts for sample in host.samples]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [json.dumps(rows)])


def _row(host: HostSamples, sample: Any) -> dict[str, Any]:
    return {
        "agent": str(host.agent_id),
        "age": host.age_seconds,
        "project": None if sample.project_id is None else str(sample.project_id),
        "node": sample.node_id,
        "service": sample.service,
        "container": sample.container,
        "cpu": sample.cpu_percent,
        "memory": sample.memory_bytes,
        "limit": sample.memory_limit_bytes,
        "received": sample.received,
        "sent": sample.sent,
        "read": sample.read,
        "written": sample.written,
        "disk": sample.disk_bytes,
    }


def fold() -> int:
    """Sum up the minutes that have ended, at most MAX_MINUTES of them; return how many rows that made.

    One process does it at a time, so no minute is there twice.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLD_LOCK])
        (mine,) = cursor.fetchone()
        if not mine:
            return 0
        cursor.execute(_FOLD, [MAX_MINUTES])
        return int(cursor.rowcount)


def of_project(*, project_id: UUID, since: datetime, step_seconds: int, whole: bool, limit: int) -> tuple[Point, ...]:
    """Return what the project's containers used since then. `whole`: from the samples, else from the minutes."""
    of = "project_id = %(id)s AND container <> ''"
    return _read(of, given=project_id, since=since, step_seconds=step_seconds, whole=whole, limit=limit)


def of_server(*, server_id: UUID, since: datetime, step_seconds: int, whole: bool, limit: int) -> tuple[Point, ...]:
    """Return what the machine itself used since then."""
    of = "server_id = %(id)s AND container = ''"
    return _read(of, given=server_id, since=since, step_seconds=step_seconds, whole=whole, limit=limit)


def _read(of: str, *, given: UUID, since: datetime, step_seconds: int, whole: bool, limit: int) -> tuple[Point, ...]:
    statement = _READ.format(table=(SAMPLES if whole else MINUTES).table, of=of)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"id": given, "since": since, "step": step_seconds, "limit": limit})
        rows = cursor.fetchall()
    names = list(Point.__dataclass_fields__)
    return tuple(Point(**dict(zip(names, row, strict=True))) for row in rows)
