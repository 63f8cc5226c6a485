"""Updates of agents, in waves: who comes when, and what follows from how the others fared. Frozen and pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

# The second wave is a tenth of all.
TENTH = 10
LAST_WAVE = 3


class RolloutState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class UpdateState(StrEnum):
    """WAITING: for its wave, or for a command there to end. ORDERED: the agent was told, or is about to be."""

    WAITING = "waiting"
    ORDERED = "ordered"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


OPEN = (UpdateState.WAITING, UpdateState.ORDERED)
# The agent's own words for an end.
TOLD_DONE, TOLD_FAILED = "done", "failed"
# What an agent may say of how far it is; other words are kept as none.
TOLD = frozenset({"preparing", "waiting", "trying", "handing_over", TOLD_DONE, TOLD_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUpdateRecord:
    id: UUID
    agent_id: UUID
    server_id: UUID
    server_name: str
    wave: int
    state: UpdateState
    told: str
    message: str
    from_version: str
    ordered_at: datetime | None
    deadline_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRecord:
    id: UUID
    version: str
    digest: str
    state: RolloutState
    message: str
    requested_by_id: UUID
    requested_by: str
    requested_at: datetime
    cancel_requested_at: datetime | None
    ended_at: datetime | None
    updates: tuple[AgentUpdateRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOrder:
    """What an agent is told: to become the version whose archive has this digest."""

    update_id: UUID
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCheck:
    """What an agent is and could become. `why_not`: why it cannot update itself, for people; empty where it can."""

    agent_id: UUID
    current_version: str
    latest_version: str
    available: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is due in a rollout: whom to look at for an order, whom to close and as what, and whether it has ended."""

    due: tuple[UUID, ...] = ()
    close: tuple[UUID, ...] = ()
    close_as: UpdateState = UpdateState.SKIPPED
    ended: RolloutState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentNow:
    """How an agent is when its turn comes. `busy`: a command of it is not finished."""

    online: bool = False
    lost: bool = True
    updates_itself: bool = False
    build: str = ""
    version: str = ""
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What becomes of an update whose turn it is. WAITING: look again."""

    state: UpdateState
    message: str = field(default="")


def wave_of(place: int, *, of: int) -> int:
    """Return in which wave the agent in this place (from 0) comes: one alone, then a tenth, then all others."""
    if place == 0:
        return 1
    return 2 if place < 1 + -(-of // TENTH) else LAST_WAVE


def next_step(updates: Sequence[AgentUpdateRecord], *, cancelled: bool) -> Step:
    """Return what is due. After a failure, or a cancel, nothing more begins; what was ordered goes on to its end."""
    waiting = [each for each in updates if each.state is UpdateState.WAITING]
    ordered = [each for each in updates if each.state is UpdateState.ORDERED]
    failed = any(each.state is UpdateState.FAILED for each in updates)
    if cancelled or failed:
        ended = RolloutState.FAILED if failed else RolloutState.CANCELLED
        return Step(
            close=tuple(each.id for each in waiting),
            close_as=UpdateState.SKIPPED if failed else UpdateState.CANCELLED,
            ended=None if ordered else ended,
        )
    if not waiting:
        return Step(ended=None if ordered else RolloutState.SUCCEEDED)
    wave = min(each.wave for each in (*waiting, *ordered))
    return Step(due=tuple(each.id for each in waiting if each.wave == wave))


def turn_of(update: AgentUpdateRecord, agent: AgentNow, *, build: str, now: datetime) -> Turn:
    """Return what becomes of an update whose turn it is, for an agent that is so now."""
    if agent.build == build:
        return Turn(state=UpdateState.SUCCEEDED, message="It runs this version already.")
    if agent.lost:
        return Turn(state=UpdateState.SKIPPED, message="It was not connected. Update it when it is back.")
    if agent.online and not agent.updates_itself:
        why = f"Version {agent.version or 'of this agent'} is too old to update itself."
        return Turn(state=UpdateState.SKIPPED, message=f"{why} Run the line of the server's page once more there.")
    if agent.online and not agent.busy:
        return Turn(state=UpdateState.ORDERED)
    if now >= update.deadline_at:
        return Turn(
            state=UpdateState.SKIPPED, message="It could not be told in time: commands ran there the whole time."
        )
    waits_for = "the end of a command there" if agent.online else "the agent to be heard again"
    return Turn(state=UpdateState.WAITING, message=f"Waits for {waits_for}.")


def summary(updates: Sequence[AgentUpdateRecord]) -> str:
    """Return how a rollout went, for people."""
    words = {
        UpdateState.SUCCEEDED: "updated",
        UpdateState.FAILED: "failed",
        UpdateState.SKIPPED: "skipped",
        UpdateState.CANCELLED: "cancelled",
        UpdateState.ORDERED: "underway",
        UpdateState.WAITING: "waiting",
    }
    counted = [(sum(each.state is state for each in updates), word) for state, word in words.items()]
    return ", ".join(f"{count} {word}" for count, word in counted if count) + "."
