"""Lists that cost the same for a million rows as for a thousand."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator

from deployments.repositories.paging import pages

MAX_EXACT_COUNT = 2000


class SelectionPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Count and find the rows of a selection through the repository; the queryset only reads the page's rows.

    The count is exact, or the planner's estimate beyond MAX_EXACT_COUNT rows of a selection that no counter knows.
    """

    def __init__(self, *, selection: pages.Selection, rows: Any, per_page: int) -> None:
        super().__init__(rows, per_page)
        self.rows, self.selection = rows, selection

    @cached_property
    def count(self) -> int:
        return self.selection.total_or_estimate(exact_up_to=MAX_EXACT_COUNT)

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        is_exact = self.selection.is_counted or self.count <= MAX_EXACT_COUNT
        ids = pages.ids_at(
            self.selection,
            start=(number - 1) * self.per_page,
            limit=self.per_page,
            total=self.count if is_exact else None,
        )
        return Page(self.rows.filter(pk__in=ids), number, self)
