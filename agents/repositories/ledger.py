"""The ledger as a whole: which incarnation it is, and numbers that agents know beyond it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Count, Max, Q
from django.db.models.functions import Now

from agents.hello import StackState
from agents.models import Agent, CommandRecord, LaneFloor, Ledger
from agents.states import UNACKNOWLEDGED

# No honest lane comes near it, and numbers must stay below what a column holds.
MAX_NUMBER = 2**53


def incarnation() -> UUID:
    """Return the ledger's name, made at first use."""
    found = Ledger.objects.filter(id=1).values_list("incarnation", flat=True).first()
    if found is None:
        Ledger.objects.bulk_create([Ledger(id=1, incarnation=uuid4(), since=Now())], ignore_conflicts=True)
        found = Ledger.objects.values_list("incarnation", flat=True).get(id=1)
    return found


def renew() -> UUID:
    """Give the ledger another name: from now on agents ask before they go on with anything."""
    with transaction.atomic():
        incarnation()
        Ledger.objects.filter(id=1).update(incarnation=uuid4(), since=Now())
        return incarnation()


def raise_floors(*, agent_id: UUID, highest: Mapping[str, int]) -> tuple[str, ...]:
    """Raise the floors of lanes in which the agent has received more than the ledger gave; returns these lanes.

    Lanes of other servers are none of its business. Inside a transaction.
    """
    plausible = {lane: number for lane, number in highest.items() if 0 < number < MAX_NUMBER and len(lane) <= 200}
    own = Agent.objects.filter(id=agent_id).values("server_id")
    rows = CommandRecord.objects.filter(lane__in=plausible).order_by().values_list("lane")
    numbered = rows.annotate(
        known=Max("number"),
        given=Max("number", filter=~Q(status__in=UNACKNOWLEDGED), default=0),
        foreign=Count("id", filter=~Q(agent__server_id__in=own)),
    )
    here = {row[0]: row[1:] for row in numbered}
    lower = []
    for lane, number in plausible.items():
        known, given, foreign = here.get(lane, (0, 0, 0))
        if foreign or number <= given:
            continue
        raise_floor(lane=lane, number=number)
        if number > known:
            lower.append(lane)
    return tuple(sorted(lower))


def unknown_stacks(stacks: Collection[StackState]) -> tuple[str, ...]:
    """Return the names of stacks that run what the ledger has no order of."""
    current = {stack.current: stack.stack_name for stack in stacks if stack.current is not None}
    known = set(CommandRecord.objects.filter(deployment_id__in=current).values_list("deployment_id", flat=True))
    return tuple(sorted({name for deployment_id, name in current.items() if deployment_id not in known}))


def raise_floor(*, lane: str, number: int) -> None:
    """Keep this number and lower ones from any further command of the lane. Inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO agent_lane_floors AS floor (lane, number) VALUES (%s, %s)"
            " ON CONFLICT (lane) DO UPDATE SET number = greatest(floor.number, excluded.number)",
            [lane, number],
        )


def floor(*, lane: str) -> int:
    """Return the number up to which an earlier state of the ledger may have used any."""
    return LaneFloor.objects.filter(lane=lane).values_list("number", flat=True).first() or 0
