"""Which commands are to be written to which session now; the gateway process's view of the ledger."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from agents.isolation import isolation
from agents.models import CommandRecord
from agents.repositories.commands import as_data, wake
from agents.states import OPEN, UNACKNOWLEDGED
from agents.types import CommandData

# Sent again after 5 s, 10 s, 20 s ... at most 5 minutes, each up to half of it earlier, as agents.backoff has it.
_CLAIM = """
UPDATE agent_commands AS command
SET status = CASE command.status WHEN 'queued' THEN 'sent' ELSE command.status END,
    attempts = command.attempts + 1,
    sent_at = statement_timestamp(),
    next_send_at = statement_timestamp() + make_interval(
        secs => least(5 * power(2, least(command.attempts, 10)), 300) * (0.5 + 0.5 * random()))
FROM (
    SELECT due.id
    FROM agent_commands AS due JOIN agents AS agent ON agent.id = due.agent_id
    WHERE due.next_send_at <= statement_timestamp()
      AND agent.session_id = ANY(%s) AND agent.revoked_at IS NULL
    ORDER BY due.lane, due.number
    LIMIT %s
    FOR NO KEY UPDATE OF due SKIP LOCKED
) AS due
WHERE command.id = due.id
RETURNING command.*
"""


def claim_due(*, session_ids: Collection[UUID], limit: int) -> tuple[CommandData, ...]:
    """Take up to `limit` due commands of the agents that these sessions serve, marked as sent, in lane order.

    One statement. A command is marked before it is written to a stream, so whatever is still `queued` was never
    delivered; one that is lost on the way, or that this version cannot read, is due again later.
    """
    records = CommandRecord.objects.raw(_CLAIM, [list(session_ids), limit])
    found = []
    for record in sorted(records, key=lambda record: (record.lane, record.number)):
        with isolation("commands to read").item(record.id):
            found.append(as_data(record))
    return tuple(found)


def make_due(*, agent_id: UUID, unfinished: Collection[UUID]) -> int:
    """After a (re)connect everything open is due now, except what the agent acknowledged and still has."""
    held = Q(id__in=unfinished) & ~Q(status__in=UNACKNOWLEDGED)
    return CommandRecord.objects.filter(agent_id=agent_id, status__in=OPEN).exclude(held).update(next_send_at=Now())


def hurry(*, agent_id: UUID, deployment_id: UUID, owner_id: UUID) -> bool:
    """Make the deployment's unfinished commands due now; False when this owner has none for this agent."""
    with transaction.atomic():
        rows = CommandRecord.objects.filter(
            agent_id=agent_id, agent__owner_id=owner_id, deployment_id=deployment_id, status__in=OPEN
        )
        if not CommandRecord.objects.filter(id__in=rows.values("id"), status__in=OPEN).update(next_send_at=Now()):
            return False
        wake(agent_id=agent_id)
    return True
