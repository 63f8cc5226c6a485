"""Deleting what is beyond the newest so many of its kind and over: of each stack, project, server or cluster."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from deployments.models import (
    AgentInstallation,
    Incident,
    StackEvent,
    VariableChange,
    VolumeDeletion,
)


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """Rows that are counted within `per`, the newest by `order`; only those that are `over` may go."""

    model: type[models.Model]
    per: tuple[str, ...]
    order: str
    over: Q


ENDED = Q(ended_at__isnull=False)
TABLES: dict[str, Numbered] = {
    # An event that is not out to Kafka yet stays, and with the order of sequences all that follow it.
    "events of stacks": Numbered(
        model=StackEvent, per=("project_id", "server_id"), order="sequence", over=Q(streamed_at__isnull=False)
    ),
    "incidents": Numbered(model=Incident, per=("project_id",), order="opened_at", over=Q(closed_at__isnull=False)),
    "installations": Numbered(model=AgentInstallation, per=("server_id",), order="requested_at", over=ENDED),
    "changes of variables": Numbered(model=VariableChange, per=("project_id",), order="pk", over=Q()),
    "deletions of volumes": Numbered(model=VolumeDeletion, per=("project_id",), order="requested_at", over=ENDED),
}


def drop_beyond(*, of: str, number: int, limit: int) -> int:
    """Delete the oldest of what is beyond the newest `number`, at most `limit`; return how many. Reads the table."""
    table = TABLES[of]
    rows = table.model._default_manager.annotate(
        place=Window(RowNumber(), partition_by=[F(name) for name in table.per], order_by=F(table.order).desc())
    )
    beyond = rows.filter(table.over, place__gt=number).order_by(table.order)
    keys = list(beyond.values_list("pk", flat=True)[:limit])
    table.model._default_manager.filter(pk__in=keys).delete()
    return len(keys)
