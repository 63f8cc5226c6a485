"""Orders beside deployments (a volume deleted, a look at a server, a check) that no agent answered in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

import structlog
from django.db import transaction

from agents import gateway
from agents.errors import CommandNotFound
from agents.isolation import isolation

logger = structlog.get_logger(__name__)


def end_each(overdue: Iterable[UUID], *, loop: str, end: Callable[[UUID], int]) -> int:
    """End each in a transaction of its own, one that fails aside; return how many `end` says. `loop`: for the log."""
    ended = 0
    for order_id in overdue:
        with isolation(loop).item(order_id), transaction.atomic():
            ended += end(order_id)
    return ended


def take_back(*, order_id: UUID, withdraw: bool) -> bool:
    """Take the order back if it was not sent and that is wanted, else close it in the ledger; tell whether it was.

    The order has the id of its command. Inside a transaction.
    """
    if withdraw and gateway.withdraw(deployment_id=order_id) > 0:
        return True
    try:
        gateway.finish(command_id=order_id)
    except CommandNotFound:
        logger.warning("order that nobody answered is not in the ledger", order_id=str(order_id))
    return False
