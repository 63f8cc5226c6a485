"""Which command began to make a Swarm on this host, and when: on disk before the engine is told."""

from __future__ import annotations

from agents.runner.journal.store import Store

FACT = "swarm-begun"


def note_begun(store: Store, *, command_id: str, at_ms: int) -> None:
    """Note that the engine was in no swarm and this command is about to make one; one transaction.

    A repeat keeps the first moment: what it finds may have been made since then.
    """
    if begun_at(store, command_id=command_id) is None:
        store.write("INSERT OR REPLACE INTO facts VALUES (?, ?)", FACT, f"{command_id} {at_ms}")


def begun_at(store: Store, *, command_id: str) -> int | None:
    """Return when this command began, in epoch milliseconds; None when it did not, or another one did after it."""
    row = store.row("SELECT value FROM facts WHERE name = ?", FACT)
    noted, _, at_ms = row["value"].partition(" ") if row else ("", "", "")
    return int(at_ms) if noted == command_id and at_ms.isdigit() else None
