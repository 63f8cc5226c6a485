"""The successes of a project, and what lies between two of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff
from itertools import islice
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.data.list_types import Page, PageRequest
from deployments.errors import Conflict, Invalid, NotFound
from deployments.repositories import history
from deployments.services.history import restorable, snapshots
from deployments.services.permissions import access
from deployments.types import Caller, HistoryEntry, KeptImages, Right
from stackgen.plan import Change, compare_services

MAX_LINES = 400
TONES = {"+": "good", "-": "bad", "@": "note"}


@dataclass(frozen=True, kw_only=True)
class FileDiff:
    """Lines of a generated file that differ, with what they are: added, removed, kept, or where they stand."""

    name: str
    lines: tuple[tuple[str, str], ...]
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class HistoryDiff:
    """What a deployment of the newer entry would do where the older one runs. Names of variables, never values."""

    changes: tuple[Change, ...]
    text: str
    env_added: tuple[str, ...]
    env_removed: tuple[str, ...]
    env_changed: tuple[str, ...]
    files: tuple[FileDiff, ...] = ()


def list_history(
    *, caller: Caller, project_id: UUID, target_id: UUID | None = None, page: int = 1, limit: int = 20
) -> Page[HistoryEntry]:
    """Return entries, newest first, each with whether it can be restored now. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    wanted = PageRequest(page=page, limit=limit)
    entries = history.page_of(project_id=project_id, target_id=target_id, page=wanted.page, limit=wanted.limit)
    return replace(entries, items=restorable.judge_all(entries.items))


def get_entry(*, caller: Caller, history_id: UUID) -> HistoryEntry:
    """Return the entry with whether it can be restored now. Raises NotFound, also for strangers."""
    entry = history.get(history_id=history_id)
    try:
        access.project_for(caller=caller, project_id=entry.project_id, right=Right.SEE)
    except NotFound:
        raise NotFound(sentence("No such history entry.")) from None
    return restorable.judge(entry)


def diff_history(*, caller: Caller, older_id: UUID, newer_id: UUID) -> HistoryDiff:
    """Compare two entries. Raises NotFound, Invalid for two projects, or Conflict when one is no longer kept."""
    older, newer = (get_entry(caller=caller, history_id=history_id) for history_id in (older_id, newer_id))
    if older.project_id != newer.project_id:
        raise Invalid(sentence("These are versions of two projects."), details={"with": sentence("of another project")})
    for entry in (older, newer):
        if entry.dropped:
            raise Conflict(
                sentence("{version} is no longer kept.", version=entry.version),
                details={"with": sentence("no longer kept")},
            )
    old, new = history.snapshot(history_id=older.id), history.snapshot(history_id=newer.id)
    changed = changed_names(snapshots.values_of(old), snapshots.values_of(new))
    plan = compare_services(
        old=snapshots.services_of(old.config),
        new=snapshots.services_of(new.config),
        new_values=changed,
    )
    env_old, env_new = snapshots.env_of(old), snapshots.env_of(new)
    return HistoryDiff(
        changes=plan.changes,
        text=plan.text(),
        env_added=tuple(sorted(env_new.keys() - env_old.keys())),
        env_removed=tuple(sorted(env_old.keys() - env_new.keys())),
        env_changed=changed_names(env_old, env_new),
        files=differing_files(old.config.get("files", {}), new.config.get("files", {})),
    )


def differing_files(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[FileDiff, ...]:
    """Return the files that differ, each with at most MAX_LINES lines; they hold no value of a secret."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, "").splitlines(), new.get(name, "").splitlines()
        # The first two name the files.
        lines = list(islice(unified_diff(before, after, lineterm="", n=2), 2, MAX_LINES + 3))
        if lines:
            told = tuple((TONES.get(line[0], ""), line) for line in lines[:MAX_LINES] if line)
            found.append(FileDiff(name=name, lines=told, cut=len(lines) > MAX_LINES))
    return tuple(found)


def changed_names(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names in both whose values differ."""
    return tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name]))


def kept_images(*, target_ids: Collection[UUID]) -> tuple[KeptImages, ...]:
    """Return what agents must not clean up: all that kept entries of these targets need. Asks no caller."""
    return history.kept_images(target_ids=target_ids)
