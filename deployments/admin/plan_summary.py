"""What will happen, as pages show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext

from agents.wording.pages import shown
from agents.wording.sentences import sentence
from deployments.admin import badges
from deployments.admin.badges import Badge
from deployments.services.secrets.stored_variables import VariableChanges
from stackgen.plan import Change

MAX_REASONS_SHOWN = 6
MAX_NAMES_SHOWN = 20
WORDS = {
    "create": sentence("{count} to create"),
    "replace": sentence("{count} to replace"),
    "restart": sentence("{count} to restart"),
    "remove": sentence("{count} to remove"),
    "keep": sentence("{count} unchanged"),
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
    variables: tuple[str, ...] = ()


def summarize_plan(
    changes: Iterable[Change],
    *,
    target_name: str = "",
    warnings: tuple[str, ...] = (),
    approval: str = "",
    text: str = "",
    variables: VariableChanges | None = None,
    nothing: str = "",
) -> PlanSummary:
    """Return the plan with what changes first, else in the order of the work; `nothing`: what to say of no change."""
    ordered = sorted(changes, key=lambda change: change.action == "keep" and not change.reasons)
    rows = tuple(
        PlanRow(
            service=change.service,
            badge=badges.ACTION[change.action],
            reasons=tuple(map(shown, change.reasons[:MAX_REASONS_SHOWN])),
            more=tuple(map(shown, change.reasons[MAX_REASONS_SHOWN:])),
            downtime=change.downtime,
            downtime_because=shown(change.downtime_because),
        )
        for change in ordered
    )
    return PlanSummary(
        headline=headline(ordered, nothing=nothing),
        rows=rows,
        downtime=any(row.downtime for row in rows),
        target_name=target_name,
        warnings=tuple(map(shown, warnings)),
        approval=approval,
        text=text,
        variables=variable_sentences(variables) if variables else (),
    )


def variable_sentences(changes: VariableChanges) -> tuple[str, ...]:
    """Return which variables are given otherwise than to what runs; names alone."""
    words = {
        gettext("Variables added: {names}"): changes.added,
        gettext("Variables changed: {names}"): changes.changed,
        gettext("Variables removed: {names}"): changes.removed,
    }
    return tuple(words_of.format(names=first_names(names)) for words_of, names in words.items() if names)


def first_names(names: tuple[str, ...]) -> str:
    """Return the first names and how many there are besides."""
    more = len(names) - MAX_NAMES_SHOWN
    return ", ".join(names[:MAX_NAMES_SHOWN]) + (gettext(" and {count} more").format(count=more) if more > 0 else "")


def headline(changes: Iterable[Change], *, nothing: str = "") -> str:
    """Return how many services go through what."""
    counted: Counter[str] = Counter(change.action for change in changes)
    if not counted:
        return gettext("There are no services.")
    if set(counted) == {"keep"} and not any(change.reasons for change in changes):
        return nothing or gettext("No changes to deploy.")
    return ", ".join(shown(word).format(count=counted[action]) for action, word in WORDS.items() if counted[action])
