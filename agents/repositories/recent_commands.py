"""What agents were told to do last, without what the orders are made of."""

from __future__ import annotations

from uuid import UUID

from agents.command_types import CommandLine
from agents.models import CommandRecord

MAX_LISTED = 50


def of_server(*, server_id: UUID, limit: int) -> tuple[CommandLine, ...]:
    """Return the newest commands to the agents of a server, those of former agents among them; MAX_LISTED at most."""
    rows = CommandRecord.objects.filter(agent__server_id=server_id).order_by("-queued_at")
    found = rows.values(*CommandLine.__dataclass_fields__)[: min(limit, MAX_LISTED)]
    return tuple(CommandLine(**row) for row in found)
