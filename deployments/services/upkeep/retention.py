"""Keep no more of the past than each project wants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents import gateway
from agents.isolation import isolation
from deployments.repositories import lanes
from deployments.repositories.upkeep import kept
from deployments.repositories.upkeep.kept import KeptEntry
from deployments.states import Kind
from deployments.types import lane_of

BATCH = 100


class RetentionWalk:
    """Goes through the lanes that may keep too much, BATCH at a time, so that none is passed over for ever."""

    def __init__(self) -> None:
        self._after: kept.Lane | None = None

    def step(self, *, at: datetime) -> int:
        """Take away what the next lanes keep beyond their project's `retention`; return how many snapshots.

        Never what runs nor what an unfinished rollback restores. One transaction per lane, so it may die between any
        two.
        """
        lanes_with_bound = kept.overfull_lanes(after=self._after, limit=BATCH)
        loop = isolation("retention of lanes")
        dropped = 0
        for lane, keep in lanes_with_bound:
            if not loop.rests(lane):
                with loop.item(lane):
                    dropped += _thin(lane, keep=keep, at=at)
        self._after = lanes_with_bound[-1][0] if len(lanes_with_bound) == BATCH else None
        return dropped


_walk = RetentionWalk()


def drop_beyond_retention(*, at: datetime) -> int:
    """Take the next step of this process's walk through the lanes; returns how many snapshots were dropped."""
    return _walk.step(at=at)


def _thin(lane: kept.Lane, *, keep: int, at: datetime) -> int:
    project_id, target_id = lane
    with transaction.atomic():
        lanes.lock(lane=lane_of(project_id=project_id, target_id=target_id))
        entries = kept.kept_in_lane(project_id=project_id, target_id=target_id)
        dropped = kept.drop(history_ids=beyond(entries, keep=keep), at=at)
        if dropped:
            gateway.announce_retention(target_id=target_id)
    return dropped


def beyond(entries: Sequence[KeptEntry], *, keep: int) -> frozenset[UUID]:
    """Return which of a lane's entries, the newest first, need not be kept. Pure.

    Kept are the newest entry, which is what runs; the `keep` newest releases, one for each content; the last state of
    each of these, which is what a rollback of the next one brings back; the `keep` newest scales, stops, rollbacks and
    releases that were rolled back; what an unfinished rollback restores; and never fewer than the `keep` newest.
    """
    releases: dict[str, UUID] = {}
    last_states: set[UUID] = set()
    for position, entry in enumerate(entries):
        if _is_release(entry) and entry.content not in releases and len(releases) < keep:
            releases[entry.content] = entry.id
            last_states.add(_last_state(entries[: position + 1]))
    others = [entry.id for entry in entries if not _is_release(entry)]
    staying = {*releases.values(), *last_states, *others[:keep], *(entry.id for entry in entries[:1])}
    for entry in entries:
        if len(staying) < keep:
            staying.add(entry.id)
    return frozenset(entry.id for entry in entries if not entry.needed) - staying


def _is_release(entry: KeptEntry) -> bool:
    return entry.kind == Kind.DEPLOY and not entry.rolled_back


def _last_state(newest_to_release: Sequence[KeptEntry]) -> UUID:
    """Return what ran last before the next release: the entries end with a release, the newest come first."""
    last = newest_to_release[-1]
    for entry in reversed(newest_to_release[:-1]):
        if _is_release(entry):
            break
        if not entry.rolled_back and entry.kind != Kind.STOP:
            last = entry
    return last.id
