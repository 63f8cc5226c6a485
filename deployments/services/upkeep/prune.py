"""Forget what nothing needs any more: bounded steps of housekeeping, each of which may be missed or repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents import gateway
from agents.isolation import isolation
from deployments import outbox_relay
from deployments.repositories import clock, deployments, variables
from deployments.repositories.ends import volume_deletions
from deployments.repositories.installations import installation_rows
from deployments.repositories.notifications import delivery_rows
from deployments.repositories.observation import incident_rows, job_run_rows, memory_kills, samples, stack_outbox
from deployments.repositories.upkeep import beyond_numbers, pruning

MAX_DEPLOYMENTS = 50
MAX_EVENTS = 2_000
MAX_ROWS = 500
# Looking for graphs and code that nothing names reads many rows, so it is done once in so many seconds.
SWEEP_SECONDS = 3_600.0
# An upload is given to its node in the same request; a person may take a while for the rest.
UPLOADING = timedelta(hours=1)
# Values that nothing needs go a day after a deployment's end, so that a person may still look why it failed.
VALUES_KEPT = timedelta(days=1)


def parts() -> dict[str, Callable[[], int]]:
    """Return the steps by name, for a round of housekeeping; each returns how much it took away."""
    return {
        "old values": _forget_values,
        "old log lines": _forget_logs,
        "old details": _forget_details,
        "details beyond their number": _number_sweep.step,
        "graphs and code": _hourly_sweep.step,
        "changes of variables": lambda: variables.drop_old_changes(
            before=clock.now() - timedelta(days=settings.AXION_KEEP_DETAILS_DAYS), limit=MAX_ROWS
        ),
        "sessions": lambda: pruning.drop_sessions(limit=MAX_ROWS),
        "enrolment tokens": lambda: gateway.forget_tokens(
            older_than=timedelta(days=settings.AXION_KEEP_DETAILS_DAYS), limit=MAX_ROWS
        ),
        "events without Kafka": _pass_over_for_kafka,
        "old events of stacks": lambda: stack_outbox.drop_before(before=_details_end(), limit=MAX_EVENTS),
        "old notifications": lambda: delivery_rows.drop_before(before=_details_end(), limit=MAX_ROWS),
        "notifications beyond their number": lambda: delivery_rows.drop_beyond(
            number=settings.AXION_KEEP_DETAILS_NUMBER, limit=MAX_ROWS
        ),
        "old installations": lambda: installation_rows.drop_before(before=_details_end(), limit=MAX_ROWS),
        "old runs of jobs": lambda: job_run_rows.drop_before(before=_details_end(), limit=MAX_ROWS),
        "runs of jobs beyond their number": lambda: job_run_rows.drop_beyond(
            number=settings.AXION_KEEP_DETAILS_NUMBER, limit=MAX_ROWS
        ),
        "old incidents": lambda: incident_rows.drop_before(before=_details_end(), limit=MAX_ROWS),
        "old deletions of volumes": lambda: volume_deletions.drop_before(
            before=clock.now() - timedelta(days=settings.AXION_KEEP_AUDIT_DAYS), limit=MAX_ROWS
        ),
        "old orders to delete volumes": lambda: gateway.forget_volume_commands(before=_details_end(), limit=MAX_ROWS),
        "old kills by memory": lambda: memory_kills.drop_before(
            before=clock.now() - samples.MINUTES.keep, limit=MAX_ROWS
        ),
        "rows beyond their number": _rows_sweep.step,
    }


def _details_end() -> datetime:
    """Return before when what happened is forgotten."""
    return clock.now() - timedelta(days=settings.AXION_KEEP_DETAILS_DAYS)


def _forget_values() -> int:
    def wipe(deployment_id: UUID) -> int:
        pruning.wipe_values(deployment_id=deployment_id)
        if not pruning.is_in_history(deployment_id=deployment_id):
            gateway.forget_values(deployment_id=deployment_id)
        pruning.mark(deployment_id=deployment_id, marker="values_wiped_at")
        return 1

    return _each(marker="values_wiped_at", kept=VALUES_KEPT, act=wipe)


def _forget_logs() -> int:
    def drop(deployment_id: UUID) -> int:
        dropped, done = _drop_events(deployment_id, logs_only=True)
        if done:
            pruning.mark(deployment_id=deployment_id, marker="logs_pruned_at")
        return dropped

    return _each(marker="logs_pruned_at", kept=timedelta(days=settings.AXION_KEEP_LOGS_DAYS), act=drop)


def _forget_details() -> int:
    return _each(marker="pruned_at", kept=timedelta(days=settings.AXION_KEEP_DETAILS_DAYS), act=_drop_details)


def _drop_details(deployment_id: UUID) -> int:
    dropped, done = _drop_events(deployment_id, logs_only=False)
    if done:
        dropped += gateway.forget_commands(deployment_id=deployment_id)
        pruning.drop_files(deployment_id=deployment_id)
        pruning.mark(deployment_id=deployment_id, marker="pruned_at")
    return dropped


def _each(
    *, marker: str, kept: timedelta, act: Callable[[UUID], int], among: tuple[UUID, datetime] | None = None
) -> int:
    """Act on each deployment that is due, in a transaction of its own; return the sum of the results."""
    loop, moved, before = isolation(f"housekeeping: {marker}"), 0, clock.now() - kept
    for deployment_id in pruning.ended(
        before=before, marker=marker, but_not=loop.resting(), limit=MAX_DEPLOYMENTS, among=among
    ):
        with loop.item(deployment_id), transaction.atomic():
            deployments.get_locked(deployment_id=deployment_id)
            moved += act(deployment_id)
    return moved


def _drop_events(deployment_id: UUID, *, logs_only: bool) -> tuple[int, bool]:
    return pruning.drop_events(
        deployment_id=deployment_id, logs_only=logs_only, streamed=bool(settings.KAFKA_BROKERS), limit=MAX_EVENTS
    )


class HourlySweep:
    """Graphs and code that nothing names: in this process once an hour, and on while there is more."""

    def __init__(self) -> None:
        self._due = 0.0

    def step(self) -> int:
        """Delete a batch when it is due."""
        if time.monotonic() < self._due:
            return 0
        before = clock.now() - timedelta(days=settings.AXION_KEEP_UNUSED_DAYS)
        with transaction.atomic():
            dropped = pruning.drop_graphs(before=before, limit=MAX_ROWS)
            dropped += pruning.drop_bundles(before=before, limit=MAX_DEPLOYMENTS)
            # Many uploads that nothing came of are too many sooner; not what is on its way into a project.
            dropped += pruning.drop_bundles(
                before=clock.now() - UPLOADING, limit=MAX_DEPLOYMENTS, newest=settings.AXION_KEEP_DETAILS_NUMBER
            )
        if not dropped:
            self._due = time.monotonic() + SWEEP_SECONDS
        return dropped


_hourly_sweep = HourlySweep()


class NumberSweep:
    """Details beyond the newest deployments of a project: in this process once an hour, and on while there is more."""

    def __init__(self) -> None:
        self._due = 0.0

    def step(self) -> int:
        """Forget a batch of each project that has too many, when it is due."""
        if time.monotonic() < self._due:
            return 0
        dropped = sum(
            _each(marker="pruned_at", kept=timedelta(0), act=_drop_details, among=among)
            for among in pruning.beyond_number(number=settings.AXION_KEEP_DETAILS_NUMBER)
        )
        if not dropped:
            self._due = time.monotonic() + SWEEP_SECONDS
        return dropped


_number_sweep = NumberSweep()


class RowsSweep:
    """Rows of other tables beyond their number: in this process once an hour, and on while there is more."""

    def __init__(self) -> None:
        self._due = 0.0

    def step(self) -> int:
        """Delete a batch of each table, when it is due."""
        if time.monotonic() < self._due:
            return 0
        number, dropped = settings.AXION_KEEP_DETAILS_NUMBER, 0
        for name in beyond_numbers.TABLES:
            with transaction.atomic():
                dropped += beyond_numbers.drop_beyond(of=name, number=number, limit=MAX_ROWS)
        if not dropped:
            self._due = time.monotonic() + SWEEP_SECONDS
        return dropped


_rows_sweep = RowsSweep()


def _pass_over_for_kafka() -> int:
    """Mark events as settled where nothing is streamed."""
    # Turning Kafka on later sends what happens from then on, and no past.
    if settings.KAFKA_BROKERS:
        return 0
    with transaction.atomic():
        passed = pruning.pass_over_for_kafka(limit=MAX_EVENTS, lock=outbox_relay.KAFKA_LOCK)
        return passed + stack_outbox.settle(limit=MAX_EVENTS, lock=outbox_relay.STACKS_LOCK)
