"""What will happen, as pages show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deployments.admin import badges
from deployments.admin.badges import Badge
from stackgen.plan import Change

MAX_REASONS_SHOWN = 6
PAST_TENSE = {"create": "created", "replace": "replaced", "restart": "restarted", "keep": "kept", "remove": "removed"}


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """One service of a plan; `more` are reasons that a reader has to ask for."""

    service: str
    badge: Badge
    reasons: tuple[str, ...]
    more: tuple[str, ...]
    downtime: bool


@dataclass(frozen=True, kw_only=True)
class PlanSummary:
    """A plan for a template: `headline` counts, `downtime` says whether anybody will notice."""

    headline: str
    rows: tuple[PlanRow, ...]
    downtime: bool
    warnings: tuple[str, ...] = ()
    approval: str = ""
    text: str = ""


def summarize_plan(
    changes: Iterable[Change], *, warnings: tuple[str, ...] = (), approval: str = "", text: str = ""
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
        )
        for change in ordered
    )
    return PlanSummary(
        headline=headline(ordered),
        rows=rows,
        downtime=any(row.downtime for row in rows),
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
        return "Nothing changes: everything runs as it is."
    parts = [f"{counted[action]} {word}" for action, word in PAST_TENSE.items() if counted[action]]
    return f"{', '.join(parts)}."
