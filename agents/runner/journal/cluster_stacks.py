"""Which stacks the cluster of this host has or had, by project: their images may be on any of its nodes.

Those of a project that is gone are in no retention any more, and their images still are on the host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from agents.runner.journal.store import Store

FACT = "cluster-stacks"
MAX_REMEMBERED = 1000


def note(store: Store, stacks: Iterable[tuple[str, str]]) -> None:
    """Remember these besides the others; the oldest are forgotten first."""
    before = known(store)
    told = list(dict.fromkeys(stacks))
    merged = [each for each in before if each not in told] + told
    if merged != list(before):
        value = json.dumps(merged[-MAX_REMEMBERED:])
        store.write("INSERT OR REPLACE INTO facts VALUES (?, ?)", FACT, value)


def known(store: Store) -> tuple[tuple[str, str], ...]:
    """Return them by project and name."""
    row = store.row("SELECT value FROM facts WHERE name = ?", FACT)
    return tuple((project_id, name) for project_id, name in json.loads(row["value"])) if row else ()
