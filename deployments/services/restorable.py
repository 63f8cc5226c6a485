"""Whether a kept success can be brought back now, and why not."""

from __future__ import annotations

from dataclasses import replace

from deployments.clients.infrastructure import infrastructure
from deployments.errors import Transient
from deployments.services import accept
from deployments.types import HistoryEntry


def judge(entry: HistoryEntry) -> HistoryEntry:
    """The entry with `restorable` and `why_not` as of now."""
    return judge_all((entry,))[0]


def judge_all(entries: tuple[HistoryEntry, ...]) -> tuple[HistoryEntry, ...]:
    """The same for several."""
    return tuple(_judged(entry) for entry in entries)


def _judged(entry: HistoryEntry) -> HistoryEntry:
    why_not = _why_not(entry)
    return replace(entry, restorable=not why_not, why_not=why_not)


def _why_not(entry: HistoryEntry) -> str:
    if entry.kind == accept.STOP:
        return "Nothing ran: the project was stopped."
    if entry.dropped:
        return "It is older than what the project keeps."
    try:
        infrastructure().agent_of(target=entry.target)
    except Transient as error:
        return error.message
    return ""
