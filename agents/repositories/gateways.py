"""Which gateway processes listen, and which agents none of them has heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from agents.models import CommandRecord, GatewayPresence
from agents.prepared import fetch_all
from agents.states import OPEN
from agents.types import Sighting

# A gateway that has not been heard of for longer is gone, or was cut off from the database: its listening begins anew.
GAP = timedelta(seconds=15)
KEEP_ENDED = timedelta(days=1)
# The channel that wakes the gateway processes when history keeps something else; the payload is the agent's id.
RETENTION_CHANNEL = "agent_retention"
# The one that tells them that somebody wants to read logs; the payload is the agent's id and the request's.
LOGS_CHANNEL = "agent_logs"
RUNS_CHANNEL = "agent_runs"

# The one that tells them that an agent's credential has ended; the payload is its id.
ENDED_CHANNEL = "agent_ended"
# The one that tells them that other authorities are trusted.
TRUST_CHANNEL = "agent_trust"

_BEAT_AND_TOUCH = """
WITH beat AS (
    INSERT INTO agent_gateways AS gateway (id, listening_since, last_seen_at)
    VALUES (%s, statement_timestamp(), statement_timestamp())
    ON CONFLICT (id) DO UPDATE SET
        last_seen_at = statement_timestamp(),
        listening_since = CASE WHEN gateway.last_seen_at < statement_timestamp() - make_interval(secs => %s)
            THEN statement_timestamp() ELSE gateway.listening_since END
),
ended_long_ago AS (
    DELETE FROM agent_gateways
    WHERE id <> %s AND last_seen_at < statement_timestamp() - make_interval(secs => %s)
), seen AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb)
        AS seen (agent_id uuid, session_id uuid, health jsonb, missing_images jsonb, condition jsonb)
), touched AS (
    UPDATE agents AS agent
    SET last_seen_at = statement_timestamp(),
        health = coalesce(seen.health, agent.health),
        missing_images = coalesce(seen.missing_images, agent.missing_images),
        inventory_at = CASE WHEN seen.missing_images IS NULL THEN agent.inventory_at ELSE statement_timestamp() END,
        condition = coalesce(seen.condition, agent.condition),
        condition_at = CASE WHEN seen.condition IS NULL THEN agent.condition_at ELSE statement_timestamp() END
    FROM seen
    WHERE agent.id = seen.agent_id AND agent.revoked_at IS NULL
      AND (seen.session_id IS NULL OR agent.session_id = seen.session_id)
    RETURNING agent.id
)
SELECT seen.agent_id FROM seen WHERE seen.agent_id NOT IN (SELECT id FROM touched)
"""

_ANNOUNCE = """
SELECT pg_notify(%s, agent.id::text)
FROM agents AS agent LEFT JOIN servers AS server ON server.id = agent.server_id
WHERE agent.revoked_at IS NULL AND (agent.server_id = %s OR server.cluster_id = %s)
"""


def beat_and_touch(*, gateway_id: UUID, seen: Mapping[UUID, Sighting]) -> frozenset[UUID]:
    """Note that this gateway listens and that these agents were heard of, in one statement.

    Returns the agents whose session still speaks for them.
    """
    # One text for all: at a thousand agents the driver's own arrays cost more than anything else of a heartbeat.
    told = json.dumps([_told(agent_id, sighting) for agent_id, sighting in seen.items()], default=_fields)
    beat = [gateway_id, GAP.total_seconds(), gateway_id, KEEP_ENDED.total_seconds()]
    return frozenset(seen) - {row[0] for row in fetch_all(_BEAT_AND_TOUCH, [*beat, told])}


def _told(agent_id: UUID, sighting: Sighting) -> dict[str, Any]:
    """Return what is known, and nothing of what is not."""
    told: dict[str, Any] = {"agent_id": str(agent_id)}
    if sighting.session_id is not None:
        told["session_id"] = str(sighting.session_id)
    for name in ("health", "missing_images", "condition"):
        if (value := getattr(sighting, name)) is not None:
            told[name] = value
    return told


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass with slots; those that are such themselves are asked for in turn."""
    return {name: getattr(value, name) for name in value.__slots__}


def announce_retention(*, target_id: UUID) -> None:
    """Tell the gateway processes, on commit, about every agent of this server or cluster."""
    with connection.cursor() as cursor:
        cursor.execute(_ANNOUNCE, [RETENTION_CHANNEL, target_id, target_id])


def announce_runs_to_stop(*, agent_id: UUID) -> None:
    """Tell the gateway processes, on commit, that runs on the agent's host shall end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [RUNS_CHANNEL, str(agent_id)])


def announce_log_request(*, agent_id: UUID, request_id: UUID) -> None:
    """Tell the gateway processes, on commit, that somebody wants to read what containers write on the agent's host."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [LOGS_CHANNEL, f"{agent_id} {request_id}"])


def announce_end(*, agent_id: UUID) -> None:
    """Tell the gateway processes, on commit, that what let this agent in has ended."""
    _notify(ENDED_CHANNEL, str(agent_id))


def announce_trust() -> None:
    """Tell the gateway processes, on commit, that other authorities are trusted."""
    _notify(TRUST_CHANNEL, "")


def _notify(channel: str, payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


def deployments_unheard_for(*, silence: timedelta) -> tuple[UUID, ...]:
    """Return the deployments with an open command whose agent was not heard for this long, by the database's clock.

    Empty until a gateway has listened without a gap for as long: nobody is silent where nobody listens.
    """
    listening = GatewayPresence.objects.filter(last_seen_at__gt=Now() - GAP, listening_since__lt=Now() - silence)
    if not listening.exists():
        return ()
    unheard = Q(agent__last_seen_at__isnull=True) | Q(agent__last_seen_at__lt=Now() - silence)
    gone = unheard | Q(agent__revoked_at__isnull=False)
    commands = CommandRecord.objects.filter(gone, status__in=sorted(OPEN))
    return tuple(commands.values_list("deployment_id", flat=True).distinct())
