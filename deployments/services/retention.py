"""Keep no more of the past than each project wants."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from agents import gateway
from agents.isolation import isolation
from deployments.repositories import history, lanes
from deployments.types import lane_of

BATCH = 100


def drop_beyond_retention(*, at: datetime) -> int:
    """Take away the snapshots beyond each project's `retention` newest per target; returns how many.

    Never what runs nor what an unfinished rollback restores. One transaction per lane, so it may die between any two.
    """
    dropped = 0
    loop = isolation("retention of lanes")
    for project_id, target_id, keep in history.overfull_lanes(limit=BATCH):
        lane = lane_of(project_id=project_id, target_id=target_id)
        if loop.rests(lane):
            continue
        with loop.item(lane), transaction.atomic():
            lanes.lock(lane=lane)
            gone = history.drop_old(project_id=project_id, target_id=target_id, keep=keep, at=at)
            if gone:
                gateway.announce_retention(target_id=target_id)
            dropped += gone
    return dropped
