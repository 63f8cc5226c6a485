"""Figures of the whole installation in one statement, for monitoring. No names, no ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from agents.states import OPEN

# An outbox with more than so many is told as so many.
MAX_COUNTED = 10_000
STATEMENT_MS = 2000
# What was seen so long ago without being judged means that nobody judges: how the stack is, nobody knows.
UNJUDGED_SECONDS = 60

_OUTBOX = """
SELECT 'outbox', '{name}', '', count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)
FROM (SELECT created_at FROM {table} WHERE {mark} IS NULL ORDER BY position LIMIT {limit}) AS waiting
"""
# What is put off, or held back by quiet hours, is late only from when it is due.
_DELIVERIES = """
SELECT 'outbox', 'notifications', '', count(*), coalesce(extract(epoch FROM now() - min(due_at)), 0)
FROM (SELECT due_at FROM notification_deliveries
      WHERE state = 'waiting' AND due_at <= now() ORDER BY due_at LIMIT {limit}) AS waiting
UNION ALL
SELECT 'retries', '', '', count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)
FROM notification_deliveries WHERE state = 'waiting' AND attempts > 0
"""
_FIGURES = """
SELECT 'deployments' AS figure, status AS first, '' AS second, sum(change) AS count, 0 AS seconds
FROM deployment_counts GROUP BY status
UNION ALL
SELECT 'oldest', 'deployments', '', count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)
FROM deployments WHERE status = 'pending'
UNION ALL
SELECT 'commands', status, '', count(*), coalesce(extract(epoch FROM now() - min(queued_at)), 0)
FROM agent_commands WHERE status = ANY(%(open)s) GROUP BY status
UNION ALL
SELECT 'agents', CASE
    WHEN last_seen_at IS NULL THEN 'pending'
    WHEN last_seen_at > now() - make_interval(secs => %(silent)s) THEN 'online'
    WHEN last_seen_at > now() - make_interval(secs => %(lost)s) THEN 'silent'
    ELSE 'lost' END AS presence, '', count(*), 0
FROM agents WHERE revoked_at IS NULL GROUP BY presence
UNION ALL
SELECT 'stacks', CASE
    WHEN agents.last_seen_at > now() - make_interval(secs => %(silent)s)
     AND NOT coalesce(seen.number <> stack_states.judged_number
                      AND seen.changed_at < now() - make_interval(secs => %(unjudged)s), false)
    THEN stack_states.condition ELSE 'unknown' END AS shown, '', count(*), 0
FROM stack_states
LEFT JOIN observed_stacks AS seen USING (project_id, server_id)
LEFT JOIN agents ON agents.server_id = stack_states.server_id AND agents.revoked_at IS NULL
GROUP BY shown
UNION ALL
SELECT 'incidents', cause, severity, count(*), 0 FROM incidents WHERE closed_at IS NULL GROUP BY cause, severity
"""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number: of what, with up to two labels, and the age of the oldest where there is one."""

    name: str
    first: str
    second: str
    count: int
    seconds: float


def read() -> tuple[Figure, ...]:
    """Return all figures as they are now. Raises DatabaseError, also after STATEMENT_MS."""
    after: dict[str, Any] = {
        "silent": settings.AXION_AGENT_SILENT_AFTER,
        "lost": settings.AXION_AGENT_LOST_AFTER,
        "unjudged": UNJUDGED_SECONDS,
        "open": [status.value for status in OPEN],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        cursor.execute(_FIGURES + "".join(f" UNION ALL {outbox}" for outbox in _outboxes()), after)
        rows = cursor.fetchall()
    return tuple(
        Figure(name=name, first=first, second=second, count=int(count), seconds=max(0.0, float(seconds)))
        for name, first, second, count, seconds in rows
    )


def _outboxes() -> tuple[str, ...]:
    """Return what counts each outbox that is configured, by the names that they have elsewhere, and the deliveries."""
    found = [("browsers", "deployment_events", "published_at")]
    if settings.KAFKA_BROKERS:
        found += [("kafka", "deployment_events", "streamed_at"), ("stacks", "stack_events", "streamed_at")]
    events = (_OUTBOX.format(name=name, table=table, mark=mark, limit=MAX_COUNTED) for name, table, mark in found)
    return (*events, _DELIVERIES.format(limit=MAX_COUNTED))
