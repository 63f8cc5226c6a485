"""Lists that cost the same for a million rows as for a thousand: counted before, or counted so far only."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import connection

from deployments.repositories.paging import pages

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


class SelectionPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts and finds the rows of a selection through the repository; the queryset only reads the page's rows."""

    def __init__(self, *, selection: pages.Selection, rows: Any, per_page: int) -> None:
        super().__init__(rows, per_page)
        self.rows, self.selection = rows, selection

    @cached_property
    def count(self) -> int:
        return self.selection.total()

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        ids = pages.ids_at(self.selection, start=(number - 1) * self.per_page, limit=self.per_page, total=self.count)
        return Page(self.rows.filter(pk__in=ids), number, self)
