"""Installations of agents: the only code that changes their state. A worker writes only while it holds the row."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from agents.wording.sentences import sentence
from deployments.data.installation_types import (
    OPEN,
    STEPS,
    InstallationAction,
    InstallationRecord,
    InstallationRequest,
    InstallationState,
    SshAddress,
    Step,
    StepRecord,
    StepState,
)
from deployments.errors import NotFound
from deployments.models import AgentInstallation, InstallationStep
from deployments.repositories import clock
from deployments.types import Caller

MAX_LISTED = 20
MAX_MESSAGE = 2000


def add(
    *,
    installation_id: UUID,
    server_id: UUID,
    server_name: str,
    request: InstallationRequest,
    sealed: str,
    caller: Caller,
    wait: timedelta,
) -> InstallationRecord:
    """Store a wish and its steps. Needs a transaction. Raises IntegrityError while another of the server is open."""
    now = clock.now()
    row = AgentInstallation.objects.create(
        id=installation_id,
        server_id=server_id,
        server_name=server_name[:100],
        action=request.action,
        host=request.address.host,
        port=request.address.port,
        username=request.address.username,
        sealed=sealed,
        known_fingerprint=request.host_key,
        install_docker=request.install_docker,
        keep_login=request.keep_login,
        replace=request.replace,
        gateway_url=request.gateway_url,
        requested_by_id=caller.user_id,
        requested_by_name=caller.name[:150],
        requested_at=now,
        deadline_at=now + wait,
    )
    InstallationStep.objects.bulk_create(
        InstallationStep(installation=row, position=position, step=step)
        for position, step in enumerate(STEPS[request.action])
    )
    return _record(row)


def get(*, installation_id: UUID) -> InstallationRecord:
    """Return the installation with its steps. Raises NotFound."""
    row = AgentInstallation.objects.prefetch_related("steps").filter(pk=installation_id).first()
    if row is None:
        raise NotFound(sentence("No such installation."))
    return _record(row)


def get_locked(*, installation_id: UUID) -> InstallationRecord | None:
    """Return the installation and lock its row until the caller's transaction ends."""
    row = AgentInstallation.objects.select_for_update(no_key=True).filter(pk=installation_id).first()
    return _record(row) if row else None


def newest(*, server_id: UUID, limit: int = MAX_LISTED) -> tuple[InstallationRecord, ...]:
    rows = AgentInstallation.objects.prefetch_related("steps").filter(server_id=server_id)
    return tuple(_record(row) for row in rows[:limit])


def open_servers(*, server_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of these servers on which an agent is being installed, by their ids."""
    rows = AgentInstallation.objects.filter(server_id__in=server_ids, state__in=OPEN, action=InstallationAction.INSTALL)
    return frozenset(rows.values_list("server_id", flat=True))


def count_open(*, user_id: UUID) -> int:
    return AgentInstallation.objects.filter(requested_by_id=user_id, state__in=OPEN).count()


def is_open(*, server_id: UUID) -> bool:
    return AgentInstallation.objects.filter(server_id=server_id, state__in=OPEN).exists()


def sealed_login(*, installation_id: UUID) -> str:
    return AgentInstallation.objects.filter(pk=installation_id).values_list("sealed", flat=True).first() or ""


def claim(*, installation_id: UUID, holder: UUID, hold: timedelta) -> InstallationRecord | None:
    """Take up what waits, or what a worker held that is gone; None when there is nothing to do for this one."""
    free = Q(state=InstallationState.PENDING) | Q(state=InstallationState.RUNNING, held_until__lte=Now())
    taken = AgentInstallation.objects.filter(free, pk=installation_id).update(
        state=InstallationState.RUNNING,
        holder=holder,
        held_until=Now() + hold,
        attempt=F("attempt") + 1,
        number=F("number") + 1,
    )
    return get(installation_id=installation_id) if taken else None


def keep_hold(*, installation_id: UUID, holder: UUID, hold: timedelta) -> InstallationRecord | None:
    """Go on holding it; None when somebody else has it by now, or it has ended."""
    held = _held(installation_id, holder).update(held_until=Now() + hold)
    return get(installation_id=installation_id) if held else None


def begin_step(*, installation_id: UUID, holder: UUID, step: Step) -> bool:
    """Store that a step begins, once more perhaps; False when the holder has lost it."""
    with transaction.atomic():
        if not _held(installation_id, holder).update(number=F("number") + 1):
            return False
        InstallationStep.objects.filter(installation_id=installation_id, step=step).update(
            state=StepState.RUNNING, message="", started_at=Now(), ended_at=None
        )
    return True


def end_step(*, installation_id: UUID, holder: UUID, step: Step, state: StepState, message: str) -> bool:
    """Store how a step ended; False when the holder has lost it."""
    with transaction.atomic():
        if not _held(installation_id, holder).update(number=F("number") + 1):
            return False
        InstallationStep.objects.filter(installation_id=installation_id, step=step).update(
            state=state, message=message[:MAX_MESSAGE], ended_at=Now()
        )
    return True


def offer_key(*, installation_id: UUID, holder: UUID, key: str) -> bool:
    """Wait for a person's word on the key that the server has shown."""
    held = _held(installation_id, holder)
    return bool(
        held.update(
            state=InstallationState.CONFIRMING,
            offered_key=key,
            holder=None,
            held_until=None,
            number=F("number") + 1,
        )
    )


def confirm_key(*, installation_id: UUID, fingerprint: str) -> bool:
    """Go on with the key that a person knows; False when nobody was asked."""
    rows = AgentInstallation.objects.filter(pk=installation_id, state=InstallationState.CONFIRMING)
    return (
        rows.update(
            state=InstallationState.PENDING, known_fingerprint=fingerprint, held_until=None, number=F("number") + 1
        )
        == 1
    )


def request_cancel(*, installation_id: UUID) -> None:
    """Note that it is to end. The row is locked by the caller."""
    AgentInstallation.objects.filter(pk=installation_id, cancel_requested_at=None).update(
        cancel_requested_at=Now(), number=F("number") + 1
    )


def end(*, installation_id: UUID, holder: UUID | None, state: InstallationState, message: str) -> bool:
    """Store the end and forget the login. `holder`: whose it must be; None for whoever locked the row.

    A step that runs is then failed: nobody knows what became of it.
    """
    rows = AgentInstallation.objects.filter(pk=installation_id, state__in=OPEN)
    if holder is not None:
        rows = rows.filter(holder=holder)
    with transaction.atomic():
        ended = rows.update(
            state=state,
            message=message[:MAX_MESSAGE],
            sealed="",
            holder=None,
            held_until=None,
            ended_at=Now(),
            number=F("number") + 1,
        )
        if ended:
            running = InstallationStep.objects.filter(installation_id=installation_id, state=StepState.RUNNING)
            running.update(state=StepState.FAILED, ended_at=Now())
    return ended == 1


def without_worker(*, limit: int) -> tuple[tuple[UUID, int], ...]:
    """Return id and attempt of what waits for a worker or has lost it, the oldest first."""
    rows = AgentInstallation.objects.filter(
        Q(state=InstallationState.PENDING) | Q(state=InstallationState.RUNNING, held_until__lte=Now())
    )
    return tuple(rows.order_by("requested_at").values_list("pk", "attempt")[:limit])


def overdue(*, limit: int) -> tuple[UUID, ...]:
    """Return what is open although its time is over, by the database's clock."""
    rows = AgentInstallation.objects.filter(state__in=OPEN, deadline_at__lte=Now())
    return tuple(rows.order_by("deadline_at").values_list("pk", flat=True)[:limit])


def drop_before(*, before: datetime, limit: int) -> int:
    """Forget installations that ended before; returns how many."""
    ids = list(AgentInstallation.objects.filter(ended_at__lt=before).values_list("pk", flat=True)[:limit])
    AgentInstallation.objects.filter(pk__in=ids).delete()
    return len(ids)


def _held(installation_id: UUID, holder: UUID) -> Any:
    return AgentInstallation.objects.filter(pk=installation_id, holder=holder, state=InstallationState.RUNNING)


def _record(row: AgentInstallation) -> InstallationRecord:
    return InstallationRecord(
        id=row.id,
        server_id=row.server_id,
        server_name=row.server_name,
        action=InstallationAction(row.action),
        state=InstallationState(row.state),
        address=SshAddress(host=row.host, port=row.port, username=row.username),
        offered_key=row.offered_key,
        known_fingerprint=row.known_fingerprint,
        install_docker=row.install_docker,
        keep_login=row.keep_login,
        replace=row.replace,
        gateway_url=row.gateway_url,
        attempt=row.attempt,
        number=row.number,
        message=row.message,
        cancel_requested_at=row.cancel_requested_at,
        requested_by=row.requested_by_name,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
        steps=tuple(_step(each) for each in row.steps.all()),
    )


def _step(row: InstallationStep) -> StepRecord:
    return StepRecord(
        step=Step(row.step),
        state=StepState(row.state),
        message=row.message,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
