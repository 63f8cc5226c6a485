"""What is read and stored when a session begins. A thousand begin at once after a restart: few statements, prepared."""

from __future__ import annotations

import json
from typing import LiteralString
from uuid import UUID

from agents.hello import Hello, Instances, KnownAgent
from agents.models.machines import lost_after
from agents.prepared import fetch_one
from agents.states import OPEN

_LOCK: LiteralString = """
SELECT agent.journal_id, agent.instance_id, agent.former_instance_id, agent.refused_instance_id, agent.instance_at,
    agent.last_seen_at, statement_timestamp(), (SELECT incarnation FROM agent_ledger WHERE id = 1),
    EXISTS (SELECT 1 FROM agent_commands WHERE agent_id = agent.id AND status = ANY(%s))
FROM agents AS agent
WHERE agent.id = %s AND agent.credential_hash = %s AND agent.revoked_at IS NULL
FOR NO KEY UPDATE OF agent
"""
_OPEN: LiteralString = """
WITH presented AS (
    UPDATE agent_certificates SET presented_at = statement_timestamp()
    WHERE serial = %s AND agent_id = %s AND presented_at IS NULL
)
UPDATE agents
SET session_id = %s, last_seen_at = statement_timestamp(), protocol = %s, build = %s, understands = %s::jsonb,
    instance_id = %s, former_instance_id = %s, refused_instance_id = %s, instance_at = %s, trouble = %s,
    clock_skew_ms = %s, version = coalesce(nullif(%s, ''), version), journal_id = coalesce(nullif(%s, ''), journal_id)
WHERE id = %s
RETURNING id
"""


def lock_for_session(*, agent_id: UUID, credential_hash: str) -> KnownAgent | None:
    """Return the active agent with this credential, its row locked until the caller's transaction ends."""
    row = fetch_one(_LOCK, [[status.value for status in OPEN], agent_id, credential_hash])
    if row is None:
        return None
    journal_id, present, former, refused, since, last_seen_at, now, incarnation, has_open = row
    return KnownAgent(
        id=agent_id,
        journal_id=journal_id,
        instances=Instances(present=present, former=former, refused=refused, since=since),
        heard_lately=last_seen_at is not None and now - last_seen_at < lost_after(),
        now=now,
        ledger_incarnation=incarnation,
        has_open_commands=has_open,
    )


def open_session(
    *,
    agent_id: UUID,
    session_id: UUID,
    hello: Hello,
    instances: Instances,
    trouble: str,
    skew_ms: int | None,
    serial: str,
) -> None:
    """Let this session speak for the agent, in place of any earlier one, and store what it says of itself.

    That the agent has this certificate is stored, too; `serial` is empty for an agent without one.
    """
    said = [session_id, hello.protocol, hello.build, json.dumps(dict(hello.commands))]
    processes = [instances.present, instances.former, instances.refused, instances.since]
    fetch_one(
        _OPEN, [serial, agent_id, *said, *processes, trouble, skew_ms, hello.version[:50], hello.journal_id, agent_id]
    )
