"""Notifications as data: channels, what each is told of, and deliveries. Frozen and pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from deployments.data.incident_types import Severity

MINUTES_A_DAY = 24 * 60
MAX_REMINDER_MINUTES = 7 * MINUTES_A_DAY


class ChannelKind(StrEnum):
    """WEBHOOK: signed by us. SERVICE: an address of the apprise library."""

    WEBHOOK = "webhook"
    SERVICE = "service"


class MessageKind(StrEnum):
    OPENED = "opened"
    CLOSED = "closed"
    REMINDER = "reminder"
    TEST = "test"


class DeliveryState(StrEnum):
    """WAITING: due now or later. FAILED: given up. SKIPPED: not sent on purpose, with the reason."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class ChannelRules:
    """What a channel is told of and when. Empty `causes` and `project_ids` stand for all.

    `reminder_minutes` is 0 for none. `quiet_from` and `quiet_to` are minutes of the day in `time_zone`; equal for none.
    """

    causes: frozenset[str] = frozenset()
    least_severity: Severity = Severity.WARNING
    project_ids: frozenset[UUID] = frozenset()
    reminder_minutes: int = 0
    quiet_from: int = 0
    quiet_to: int = 0
    time_zone: str = "UTC"
    critical_always: bool = True


@dataclass(frozen=True, kw_only=True)
class NewChannel:
    """A channel as somebody asks for it; without a project it is the caller's own. The address is secret."""

    name: str
    kind: ChannelKind
    address: str = field(repr=False)
    project_id: UUID | None = None
    rules: ChannelRules = field(default_factory=ChannelRules)


@dataclass(frozen=True, kw_only=True)
class ChannelChange:
    """What becomes of a channel: all of its rules anew; an empty `address` keeps the one it has."""

    name: str
    rules: ChannelRules
    address: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class ChannelRecord:
    """A channel as the doors show it; `service` says what kind of receiver it is, never its address."""

    id: UUID
    name: str
    kind: str
    service: str
    owner_id: UUID | None
    project_id: UUID | None
    project_name: str
    rules: ChannelRules
    created_at: datetime
    muted_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """A message to one channel, due at some time; one that is skipped says why."""

    channel_id: UUID
    project_id: UUID | None
    incident_id: UUID | None
    kind: MessageKind
    content: Mapping[str, Any]
    due_at: datetime
    number: int = 0
    skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class DeliveryRecord:
    """A delivery as the doors show it; `error` is the last one, or why it was skipped."""

    id: UUID
    channel_id: UUID
    incident_id: UUID | None
    kind: str
    state: str
    title: str
    attempts: int
    error: str
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ClaimedDelivery:
    """One that this process may send now. `attempts` counts this one too, and is the claim's token.

    `by_hand`: somebody asked for it, so that no mute and no quiet hours hold it back.
    """

    id: UUID
    attempts: int
    channel_id: UUID
    channel_kind: ChannelKind
    channel_owner_id: UUID | None
    # Of the channel's owner, or of its project's; empty for the installation's.
    language: str
    project_id: UUID | None
    incident_id: UUID | None
    content: Mapping[str, Any]
    sealed: str = field(repr=False)
    by_hand: bool = False


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What may keep a message back at the moment of sending."""

    rules: ChannelRules
    channel_muted_until: datetime | None
    project_muted_until: datetime | None
    incident_muted_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """What goes out: `id` stays the same at every repeat, so that receivers can drop them."""

    id: UUID
    content: Mapping[str, Any]
    title: str
    text: str
