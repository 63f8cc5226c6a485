"""Statuses of commands and of agents; pure.

A command of the ledger:

    queued --send--> sent --acknowledge--> acknowledged --finish--> finished
    queued --withdraw--> withdrawn           (never delivered, and never will be)
    sent, acknowledged --refuse--> refused   (the agent will not do it)
    queued, sent --finish--> finished        (its acknowledgement was lost, or nobody waits for it any more)

Sending again and acknowledging again change nothing: delivery is at least once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class CommandStage(IntEnum):
    """Stages of a deployment in progress; the numbers are those of the wire."""

    BUILDING = 1
    PUSHING = 2
    DEPLOYING = 3
    HEALTH_CHECKING = 4
    COMPLETED = 5


class CommandOutcome(IntEnum):
    """How a command ended; the numbers are those of the wire."""

    SUCCEEDED = 1
    RESTORED = 2
    FAILED = 3


class CommandKind(StrEnum):
    DEPLOY = "deploy"
    REVERT = "revert"
    DELETE_VOLUME = "delete_volume"
    SWARM = "swarm"
    CHECK_REACH = "check_reach"
    INSPECT_HOST = "inspect_host"
    BUILD = "build"
    CHECK_REGISTRY = "check_registry"


class AuthorityState(StrEnum):
    """Of a certificate authority: it signs; it signed before and is still trusted; it is trusted no more."""

    ISSUING = "issuing"
    FORMER = "former"
    RETIRED = "retired"


class CommandStatus(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    FINISHED = "finished"
    WITHDRAWN = "withdrawn"


class CommandEvent(StrEnum):
    SEND = "send"
    ACKNOWLEDGE = "acknowledge"
    REFUSE = "refuse"
    FINISH = "finish"
    WITHDRAW = "withdraw"


UNACKNOWLEDGED = (CommandStatus.QUEUED, CommandStatus.SENT)
OPEN = (*UNACKNOWLEDGED, CommandStatus.ACKNOWLEDGED)
CLOSED = (CommandStatus.REFUSED, CommandStatus.FINISHED, CommandStatus.WITHDRAWN)

_TABLE: dict[CommandEvent, dict[CommandStatus, CommandStatus]] = {
    CommandEvent.SEND: {
        CommandStatus.QUEUED: CommandStatus.SENT,
        CommandStatus.SENT: CommandStatus.SENT,
        CommandStatus.ACKNOWLEDGED: CommandStatus.ACKNOWLEDGED,
    },
    CommandEvent.ACKNOWLEDGE: {
        CommandStatus.SENT: CommandStatus.ACKNOWLEDGED,
        CommandStatus.ACKNOWLEDGED: CommandStatus.ACKNOWLEDGED,
    },
    CommandEvent.REFUSE: {
        CommandStatus.SENT: CommandStatus.REFUSED,
        CommandStatus.ACKNOWLEDGED: CommandStatus.REFUSED,
    },
    CommandEvent.FINISH: {
        CommandStatus.QUEUED: CommandStatus.FINISHED,
        CommandStatus.SENT: CommandStatus.FINISHED,
        CommandStatus.ACKNOWLEDGED: CommandStatus.FINISHED,
    },
    CommandEvent.WITHDRAW: {CommandStatus.QUEUED: CommandStatus.WITHDRAWN},
}


def next_status(*, current: CommandStatus, event: CommandEvent) -> CommandStatus | None:
    """Return the status after `event`, or None where the table has no such step."""
    return _TABLE[event].get(current)


def sources(*, event: CommandEvent) -> tuple[CommandStatus, ...]:
    """Return the statuses in which `event` may happen."""
    return tuple(_TABLE[event])


class Presence(StrEnum):
    """PENDING: enrolled or expected, never seen. SILENT and LOST: not heard of for the two configured times."""

    PENDING = "pending"
    ONLINE = "online"
    SILENT = "silent"
    LOST = "lost"
    REVOKED = "revoked"


def presence(
    *, now: datetime, last_seen_at: datetime | None, revoked: bool, silent_after: timedelta, lost_after: timedelta
) -> Presence:
    """Return how present an agent is; `now` and `last_seen_at` come from one clock."""
    if revoked:
        return Presence.REVOKED
    if last_seen_at is None:
        return Presence.PENDING
    age = now - last_seen_at
    if age < silent_after:
        return Presence.ONLINE
    return Presence.SILENT if age < lost_after else Presence.LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFilter:
    """Which servers of a list are wanted; `text` stands in name or host. What says nothing leaves out none."""

    label: str = ""
    text: str = ""
    version: str = ""
    presence: Presence | None = None
    drained: bool | None = None
