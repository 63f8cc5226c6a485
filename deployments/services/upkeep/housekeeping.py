"""Bounded work that keeps tables small. Every part may be missed or repeated without harm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agents.isolation import isolation
from deployments.repositories import clock, invitations
from deployments.repositories.paging import counts
from deployments.repositories.people import link_rows
from deployments.services.adoption import inspections
from deployments.services.audit import record as audit
from deployments.services.clusters import handing_on, progress
from deployments.services.ends import machine_deletion, project_deletion, volume_deletion
from deployments.services.notifications import announce
from deployments.services.observation import samples
from deployments.services.requests import check_reach, check_registry, idempotency
from deployments.services.upkeep import prune, retention

MAX_PROJECTS = 50
MAX_KEYS = 1000


def tidy(*, at: datetime) -> int:
    """Sum up counts, forget what is old and what nothing needs; returns how many things it moved.

    Several may run at once. A part that fails is noted, and the others run.
    """
    parts: dict[str, Callable[[], int]] = {
        "counts": lambda: counts.fold(limit=MAX_PROJECTS),
        "request keys": lambda: idempotency.forget_old_keys(limit=MAX_KEYS),
        "reminders": lambda: announce.remind(at=clock.now()),
        "invitations": lambda: invitations.remove_old(at=at),
        "access links": lambda: link_rows.remove_old(at=at),
        "audit log": lambda: audit.drop_old(at=clock.now()),
        "volume deletions": lambda: volume_deletion.expire(at=at),
        "reach checks": lambda: check_reach.expire(at=at),
        "tests of registries": lambda: check_registry.expire(at=at),
        "looks at servers": inspections.expire,
        "managers of clusters": handing_on.hand_on_lost,
        "changes of clusters": lambda: progress.expire(at=at),
        "project deletions": lambda: project_deletion.continue_all(at=at),
        "machine deletions": lambda: machine_deletion.continue_all(at=at),
        "retention": lambda: retention.drop_beyond_retention(at=at),
        "samples": samples.keep_bounded,
        **prune.parts(),
    }
    loop = isolation("housekeeping")
    moved = 0
    for name, part in parts.items():
        if not loop.rests(name):
            with loop.item(name):
                moved += part()
    return moved
