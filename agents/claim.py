"""What the ledger gives to the gateway to write; frozen values that know no framework."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from agents.types import CommandData


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCommand:
    """What tells the deployment of a command that is not carried out; the command itself may be unreadable."""

    id: UUID
    deployment_id: UUID
    last_report_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenCommand:
    """A command that cannot be written to any agent, and why, for people."""

    id: UUID
    agent_id: UUID
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Commands to write now, in lane order; `more` tells that others may be due as well."""

    commands: tuple[CommandData, ...] = ()
    broken: tuple[BrokenCommand, ...] = ()
    more: bool = False
