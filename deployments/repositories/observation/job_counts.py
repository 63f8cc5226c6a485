"""How often jobs have run in a lane since one of its versions: at deployments, by hand, by their schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from deployments.models import Deployment
from deployments.repositories import history
from deployments.repositories.observation import job_run_rows
from deployments.states import Kind
from deployments.types import HistoryEntry

MAX_VERSIONS = 200


def runs_since(entry: HistoryEntry, *, by_hand: Collection[str]) -> Mapping[str, int]:
    """Return by job how often it has run there since then, as far as the newest MAX_VERSIONS successes say.

    `by_hand`: names of jobs, for a restart that names one of them is a run of it.
    """
    lane = history.in_lane(project_id=entry.project_id, target_id=entry.target.id)
    later = list(lane.filter(number__gt=entry.number).values_list("deployment_id", flat=True)[:MAX_VERSIONS])
    rows = Deployment.objects.filter(pk__in=later).order_by()
    found: Counter[str] = Counter()
    for kind, restarted, jobs in rows.values_list("kind", "restarted_service", "config__jobs"):
        if kind == Kind.DEPLOY:
            found.update(job["service"]["name"] for job in jobs or () if not job.get("by_hand"))
        elif restarted in by_hand:
            found[restarted] += 1
    scheduled = job_run_rows.begun_since(project_id=entry.project_id, server_id=entry.target.id, since=entry.created_at)
    found.update({job: count for job, (count, _) in scheduled.items()})
    return found
