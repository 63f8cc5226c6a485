"""Which containers of others a deployment stopped to take their place: on disk before the first one is stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agents.runner.journal.store import Store

FACT = "taken-over"


def note_taken(store: Store, *, deployment_id: str, containers: Sequence[Mapping[str, Any]]) -> None:
    """Note containers, each with `id`, `name` and `restart`; one transaction. A repeat keeps what was noted first."""
    if not taken_by(store, deployment_id=deployment_id):
        store.write("INSERT OR REPLACE INTO facts VALUES (?, ?)", _name(deployment_id), json.dumps(list(containers)))


def taken_by(store: Store, *, deployment_id: str) -> list[dict[str, Any]]:
    """Return what the deployment has stopped, or was about to; empty for nothing, and once it was put back."""
    row = store.row("SELECT value FROM facts WHERE name = ?", _name(deployment_id))
    return list(json.loads(row["value"])) if row else []


def forget_taken(store: Store, *, deployment_id: str) -> None:
    """Note that what the deployment stopped runs again."""
    store.write("DELETE FROM facts WHERE name = ?", _name(deployment_id))


def _name(deployment_id: str) -> str:
    return f"{FACT} {deployment_id}"
