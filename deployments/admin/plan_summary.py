"""What will happen, as pages show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deployments.admin import badges
from deployments.admin.badges import Badge
from stackgen.plan import Change

MAX_REASONS_SHOWN = 6
WORDS = {
    "create": "to create",
    "replace": "to replace",
    "restart": "to restart",
    "remove": "to remove",
    "keep": "unchanged",
}


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """One service of a plan; `more` are reasons that a reader has to ask for."""

    service: str
    badge: Badge
    reasons: tuple[str, ...]
    more: tuple[str, ...]
    downtime: bool
    downtime_because: str = ""


@dataclass(frozen=True, kw_only=True)
class PlanSummary:
    """A plan for a template: `headline` counts, `downtime` says whether anybody will notice."""

    headline: str
    rows: tuple[PlanRow, ...]
    downtime: bool
    target_name: str = ""
    warnings: tuple[str, ...] = ()
    approval: str = ""
    text: str = ""


def summarize_plan(
    changes: Iterable[Change],
    *,
    target_name: str = "",
    warnings: tuple[str, ...] = (),
    approval: str = "",
    text: str = "",
) -> PlanSummary:
    """Return the plan with what changes first, else in the order of the work."""
    ordered = sorted(changes, key=lambda change: change.action == "keep" and not change.reasons)
    rows = tuple(
        PlanRow(
            service=change.service,
            badge=badges.ACTION[change.action],
            reasons=change.reasons[:MAX_REASONS_SHOWN],
            more=change.reasons[MAX_REASONS_SHOWN:],
            downtime=change.downtime,
            downtime_because=change.downtime_because,
        )
        for change in ordered
    )
    return PlanSummary(
        headline=headline(ordered),
        rows=rows,
        downtime=any(row.downtime for row in rows),
        target_name=target_name,
        warnings=warnings,
        approval=approval,
        text=text,
    )


def headline(changes: Iterable[Change]) -> str:
    """Return how many services go through what."""
    counted: Counter[str] = Counter(change.action for change in changes)
    if not counted:
        return "There are no services."
    if set(counted) == {"keep"} and not any(change.reasons for change in changes):
        return "No changes to deploy."
    return ", ".join(f"{counted[action]} {word}" for action, word in WORDS.items() if counted[action])
