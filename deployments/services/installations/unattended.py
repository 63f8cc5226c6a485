"""Installations that no worker has, and those whose time is over: for the reconciler's rounds."""

from __future__ import annotations

from agents.isolation import isolation
from deployments import live_updates, queue
from deployments.data.installation_types import InstallationState
from deployments.repositories.installations import installation_rows

BATCH = 50
OVERDUE = "The installation was not finished within its time. Try again."


def take_up() -> int:
    """Ask workers for what none has, and end what is overdue; returns how many. Several may run at once."""
    moved = 0
    for installation_id in installation_rows.overdue(limit=BATCH):
        with isolation("overdue installations").item(installation_id):
            found = installation_rows.get(installation_id=installation_id)
            moved += installation_rows.end(
                installation_id=installation_id, holder=None, state=InstallationState.FAILED, message=OVERDUE
            )
            live_updates.wake_server(found.server_id)
    for installation_id, attempt in installation_rows.without_worker(limit=BATCH):
        queue.enqueue_installation(installation_id=installation_id, attempt=attempt)
        moved += 1
    return moved
