"""Closed commands that nothing needs any more. The highest number of a lane stays, for the next one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef

from agents.models import CommandRecord
from agents.states import CLOSED, CommandKind


def forget(*, deployment_id: UUID) -> int:
    """Delete closed commands; see gateway.forget_commands. The highest number of a lane stays, for the next one."""
    higher = CommandRecord.objects.filter(lane=OuterRef("lane"), number__gt=OuterRef("number"))
    closed = CommandRecord.objects.filter(Exists(higher), deployment_id=deployment_id, status__in=CLOSED)
    deleted, _ = CommandRecord.objects.filter(pk__in=list(closed.values_list("pk", flat=True))).delete()
    return deleted


def forget_of_volumes(*, before: datetime, limit: int) -> int:
    """Delete old closed orders to delete volumes; see gateway.forget_volume_commands."""
    higher = CommandRecord.objects.filter(lane=OuterRef("lane"), number__gt=OuterRef("number"))
    closed = CommandRecord.objects.filter(
        Exists(higher), kind=CommandKind.DELETE_VOLUME, status__in=CLOSED, queued_at__lt=before
    )
    keys = list(closed.order_by("queued_at").values_list("pk", flat=True)[:limit])
    return CommandRecord.objects.filter(pk__in=keys).delete()[0]
