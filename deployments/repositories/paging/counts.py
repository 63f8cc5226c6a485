"""How many deployments there are, without counting them: sums over what a trigger keeps, or the planner's guess."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, QuerySet, Sum

from agents.isolation import isolation
from deployments.models import DeploymentCount
from deployments.states import Status

# A sum over this many rows is read in a fraction of a millisecond.
MAX_CHANGES = 100

# Rows that another transaction folds are left to it, so nobody waits and nothing is folded twice.
FOLD = """
WITH taken AS (
    SELECT id FROM deployment_counts WHERE project_id = %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM deployment_counts USING taken WHERE deployment_counts.id = taken.id
    RETURNING deployment_counts.project_id, deployment_counts.status, deployment_counts.change
)
INSERT INTO deployment_counts (project_id, status, change)
SELECT project_id, status, sum(change) FROM gone GROUP BY project_id, status HAVING sum(change) <> 0
"""


def total(*, project_ids: Collection[UUID] | None, status: Status | None) -> int:
    """Return how many deployments of these projects (None: of all) are in this status (None: in any). Exact."""
    rows = DeploymentCount.objects.all()
    if project_ids is not None:
        rows = rows.filter(project_id__in=project_ids)
    if status is not None:
        rows = rows.filter(status=status)
    return rows.aggregate(total=Sum("change"))["total"] or 0


def estimate(rows: QuerySet[Any]) -> int:
    """Return how many rows the planner expects."""
    sql, parameters = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        (answer,) = cursor.fetchone()
    plan = answer if isinstance(answer, list) else json.loads(answer)
    return int(plan[0]["Plan"]["Plan Rows"])


def fold(*, limit: int) -> int:
    """Sum up the changes of at most `limit` projects that have many; returns of how many. Changes no total."""
    many = DeploymentCount.objects.values("project_id").annotate(changes=Count("pk")).filter(changes__gt=MAX_CHANGES)
    loop = isolation("counts of projects")
    found = list(many.exclude(project_id__in=loop.resting()).values_list("project_id", flat=True)[:limit])
    for project_id in found:
        with loop.item(project_id), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(FOLD, [project_id])
    return len(found)
