"""Every field that a page shows has a name for people, in their language, not the code's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.utils.functional import Promise

from agents.admin.facts import facts_in
from agents.admin.server_form import ServerForm

# Else there are none yet where no test before these has asked for an address.
admin.autodiscover()
PAGES = [page for page in admin.site._registry.values() if page.model._meta.app_label in ("agents", "deployments")]


def shown_fields(page: Any) -> Iterator[Any]:
    """Yield what lists, forms and inlines of a page show of its table."""
    names = [
        *page.list_display,
        *page.readonly_fields,
        *(page.fields or ()),
        *(flatten_fieldsets(page.fieldsets) if page.fieldsets else ()),
        *getattr(page.form, "base_fields", {}),
    ]
    yield from (field for field in page.model._meta.fields if field.name in names)
    for inline in page.inlines:
        yield from inline.model._meta.fields


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.model.__name__)
def test_what_a_page_shows_has_a_name_for_people(page: Any) -> None:
    bare = {field.name for field in shown_fields(page) if not isinstance(field.verbose_name, Promise)}
    assert not bare, f"{page.model.__name__}: name them in agents/wording/field_names.py or on the model: {bare}"
    words = (page.model._meta.verbose_name, page.model._meta.verbose_name_plural)
    assert all(isinstance(each, Promise) for each in words), "name the model in agents/wording/field_names.py"


def test_a_server_needs_no_port_for_an_agent_that_dials_in() -> None:
    assert not ServerForm().fields["port"].required


def test_what_an_agent_told_reads_as_words() -> None:
    assert facts_in({}) is None
    assert facts_in({"os": "", "cpu_cores": 4, "total_memory": 8 * 1024**3}) == "processors: 4, memory: 8.0\xa0GB"


def test_nothing_that_an_agent_told_is_shown_as_programs_write_it() -> None:
    told = {"connected": True, "cpu_usage": 12.5, "last_heartbeat": 1_700_000_000, "gpu": {"cards": 2}, "new_fact": "x"}
    assert facts_in(told) == (
        "connected: yes, processor used: 12 %, last heartbeat: 2023-11-14 22:13:20 UTC, gpu: (cards: 2), new fact: x"
    )
