"""What an agent says of itself when it connects, and which of several processes is the agent; frozen and pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

# A process that was replaced by another and comes back within this time was alive all the while.
ALIVE_ALL_THE_WHILE = timedelta(minutes=10)
TWO_MACHINES = (
    "Two machines use the credential of this agent: a cloned machine, or a copied state directory. The one that"
    " connected last is served, and the older one is refused. Give the one that is not meant an enrolment token of a"
    " server of its own, and remove its state directory."
)
MAX_NAMED = 5
MAX_SKEW_MS = 100 * 366 * 24 * 3600 * 1000


def unknown_stacks_sentence(stacks: Collection[str]) -> str:
    """Return what people are told of stacks whose deployment the ledger does not have; empty for none."""
    if not stacks:
        return ""
    names = ", ".join(sorted(stacks)[:MAX_NAMED])
    return (
        f"What runs of {names} was deployed by a control plane, or a state of this one's database, that is not here any"
        " more: what the pages say runs there is not known. Look at the server, then deploy again."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """What the agent's journal holds to run; `current` is None when nothing does."""

    stack_name: str
    current: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first message of a session; what an older agent does not say is empty."""

    version: str = ""
    instance_id: str = ""
    protocol: int = 1
    journal_id: str = ""
    ledger_incarnation: str = ""
    commands: Mapping[str, int] = field(default_factory=dict)
    unfinished: tuple[UUID, ...] = ()
    stacks: tuple[StackState, ...] = ()
    highest_numbers: Mapping[str, int] = field(default_factory=dict)
    clock_ms: int = 0
    build: str = ""
    trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulCommand:
    """An open command of a lane in which the agent knows more than the ledger; the agent neither works on it nor holds
    it to be current, so nobody knows what became of it.
    """

    command_id: UUID
    deployment_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What follows from a Hello."""

    ledger_incarnation: UUID
    doubtful: tuple[DoubtfulCommand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """Processes that spoke with one credential: the present one, the one before it, and one that is refused."""

    present: str = ""
    former: str = ""
    refused: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAgent:
    """What is stored of an agent whose session is about to begin; `now` by the database's clock.

    `ledger_incarnation`: None where the ledger has no name yet.
    """

    id: UUID
    journal_id: str
    instances: Instances
    heard_lately: bool
    now: datetime
    ledger_incarnation: UUID | None
    has_open_commands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingAgent:
    """Whose session speaks for a server; `skew_ms`: by how much its clock was ahead when it connected, 0 if untold."""

    server_id: UUID
    skew_ms: int


def clock_skew_ms(*, clock_ms: int, now: datetime) -> int | None:
    """Return by how much the agent's clock is ahead of `now`, bounded to a century; None when it did not tell."""
    if clock_ms <= 0:
        return None
    return min(max(clock_ms - int(now.timestamp() * 1000), -MAX_SKEW_MS), MAX_SKEW_MS)


def admit(known: Instances, *, instance_id: str, now: datetime, heard_lately: bool) -> Instances | None:
    """Return who speaks for the agent from now on; None refuses this process.

    A restart has a new id, and the old one never comes back. Where it does, two are alive: the newer connection stays
    for as long as it is heard, and the older one is refused.
    """
    if instance_id in ("", known.present):
        return known
    lately = known.since is not None and now - known.since < ALIVE_ALL_THE_WHILE
    came_back = instance_id == known.refused or (instance_id == known.former and lately)
    if came_back and heard_lately:
        return None
    return replace(known, present=instance_id, former=known.present, since=now)
