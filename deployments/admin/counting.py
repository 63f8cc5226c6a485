"""Counts that stay cheap at a million rows: exact while small, the planner's estimate beyond."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import connection

EXACT_UP_TO = 2000


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts at most EXACT_UP_TO rows."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted: int = rows.order_by()[: EXACT_UP_TO + 1].count()
        return counted if counted <= EXACT_UP_TO else max(counted, estimate(rows))


def estimate(rows: Any) -> int:
    """How many rows the planner expects."""
    sql, parameters = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        answer = cursor.fetchone()[0]
    plan = answer if isinstance(answer, list) else json.loads(answer)
    return int(plan[0]["Plan"]["Plan Rows"])
