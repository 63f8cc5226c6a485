"""Which commands are to be written to which session now; the gateway process's view of the ledger."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from agents.claim import BrokenCommand, Claim
from agents.hello import DoubtfulCommand, Hello
from agents.isolation import isolation
from agents.limits import MAX_CLAIMED_BYTES, MAX_COMMAND_BYTES
from agents.models import CommandRecord
from agents.repositories.commands import as_data, same_place, wake
from agents.states import OPEN, UNACKNOWLEDGED, CommandKind
from agents.types import CommandData

# An agent whose session was taken over by another process tries again within half a second.
REPLACED_AGENT_RETURN = timedelta(seconds=5)

# Times that a row is claimed before it counts as broken: meanwhile a gateway of the version that wrote it may take it.
MAX_UNREAD_ATTEMPTS = 4
UNREADABLE = "The stored command cannot be read: another version wrote it, or it is damaged."

# Sent again after 5 s, 10 s, 20 s ... at most 5 minutes, each up to half of it earlier, as agents.backoff has it.
# `behind`: the bytes of a lane up to and with the command, so that what is small goes first and a lane stays in order.
_CLAIM = """
WITH due AS (
    SELECT waiting.id, waiting.lane, waiting.number, coalesce(waiting.size, 0) AS size
    FROM agent_commands AS waiting JOIN agents AS agent ON agent.id = waiting.agent_id
    WHERE waiting.next_send_at <= statement_timestamp()
      AND agent.session_id = ANY(%(sessions)s) AND agent.revoked_at IS NULL
), ranked AS (
    SELECT *, sum(size) OVER (PARTITION BY lane ORDER BY number) AS behind FROM due
), counted AS (
    SELECT id, row_number() OVER near AS place, sum(size) OVER near AS total
    FROM ranked WINDOW near AS (ORDER BY behind, lane, number)
), taken AS (
    SELECT command.id
    FROM agent_commands AS command JOIN counted ON counted.id = command.id
    WHERE counted.place <= %(limit)s AND (counted.total <= %(bytes)s OR counted.place = 1)
      AND command.next_send_at <= statement_timestamp()
    FOR NO KEY UPDATE OF command SKIP LOCKED
)
UPDATE agent_commands AS command
SET status = CASE command.status WHEN 'queued' THEN 'sent' ELSE command.status END,
    attempts = command.attempts + 1,
    sent_at = statement_timestamp(),
    next_send_at = statement_timestamp() + make_interval(
        secs => least(5 * power(2, least(command.attempts, 10)), 300) * (0.5 + 0.5 * random()))
FROM taken
WHERE command.id = taken.id
RETURNING command.*
"""


def claim_due(*, session_ids: Collection[UUID], limit: int) -> Claim:
    """Take up to `limit` due commands of the agents that these sessions serve, marked as sent, in lane order.

    One statement. A command is marked before it is written to a stream, so whatever is still `queued` was never
    delivered; one that is lost on the way, or that this version cannot read, is due again later. What no version has
    read in MAX_UNREAD_ATTEMPTS is broken.
    """
    values = {"sessions": list(session_ids), "limit": limit, "bytes": MAX_CLAIMED_BYTES}
    records = sorted(CommandRecord.objects.raw(_CLAIM, values), key=lambda record: (record.lane, record.number))
    commands: list[CommandData] = []
    for record in records:
        with isolation("commands to read").item(record.id):
            commands.append(as_data(record))
    read = {command.id for command in commands}
    broken = [record for record in records if record.id not in read and record.attempts >= MAX_UNREAD_ATTEMPTS]
    size = sum(record.size or 0 for record in records)
    return Claim(
        commands=tuple(commands),
        broken=tuple(BrokenCommand(id=each.id, agent_id=each.agent_id, why=UNREADABLE) for each in broken),
        more=len(records) == limit or size > MAX_CLAIMED_BYTES - MAX_COMMAND_BYTES,
    )


def make_due(
    *, agent_id: UUID, unfinished: Collection[UUID], new_process: bool = False, new_journal: bool = False
) -> int:
    """Make everything open due now, after a (re)connect, except what the agent acknowledged and still has.

    What another process had acknowledged and this one does not have, and all where its journal is another one too,
    waits a little: this may be a clone, and whoever it has replaced is back by then.
    """
    held = Q(id__in=unfinished) & ~Q(status__in=UNACKNOWLEDGED)
    rows = CommandRecord.objects.filter(agent_id=agent_id, status__in=OPEN).exclude(held)
    doubted = rows if new_journal else rows.exclude(status__in=UNACKNOWLEDGED) if new_process else rows.none()
    waiting = list(doubted.values_list("id", flat=True))
    later = rows.filter(id__in=waiting).update(next_send_at=Now() + REPLACED_AGENT_RETURN)
    return later + rows.exclude(id__in=waiting).update(next_send_at=Now())


def doubtful(*, agent_id: UUID, lanes: Collection[str], hello: Hello) -> tuple[DoubtfulCommand, ...]:
    """Open commands of these lanes, given to the agent's server, which it neither works on nor holds to be current.

    Not what a person asked to go back from: that is done whatever happened since.
    """
    rows = CommandRecord.objects.filter(agent__in=same_place(agent_id=agent_id), lane__in=lanes, status__in=OPEN)
    current = [stack.current for stack in hello.stacks if stack.current is not None]
    rows = rows.exclude(id__in=hello.unfinished).exclude(deployment_id__in=current)
    asked_by_nobody = ~Q(kind=CommandKind.REVERT) | Q(payload__keep_proven=True)
    return tuple(
        DoubtfulCommand(command_id=command_id, deployment_id=deployment_id)
        for command_id, deployment_id in rows.filter(asked_by_nobody).values_list("id", "deployment_id")
    )


def make_deployment_due(*, agent_id: UUID, deployment_id: UUID, owner_id: UUID) -> bool:
    """Make the deployment's unfinished commands due now; False when this owner has none for this agent."""
    with transaction.atomic():
        rows = CommandRecord.objects.filter(
            agent_id=agent_id, agent__owner_id=owner_id, deployment_id=deployment_id, status__in=OPEN
        )
        if not CommandRecord.objects.filter(id__in=rows.values("id"), status__in=OPEN).update(next_send_at=Now()):
            return False
        wake(agent_id=agent_id)
    return True
