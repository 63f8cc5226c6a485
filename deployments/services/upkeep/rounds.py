"""The rounds of a reconciler: one question a round whether anything wants it, and the parts that do."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings

from agents.isolation import isolation
from deployments.repositories import clock
from deployments.repositories.upkeep import attention
from deployments.repositories.upkeep.attention import Attention
from deployments.services.fleet import agent_updates
from deployments.services.incidents.watch import StackWatch
from deployments.services.installations import unattended
from deployments.services.lifecycle import reconcile
from deployments.services.upkeep import housekeeping, watch_stacks

# Longer than any rule of incidents waits after what it is about, so that none of them is judged late.
CALM_AFTER = 90.0
TIDY_SECONDS = 10.0
# While nothing happens little gets old.
CALM_TIDY_SECONDS = 60.0


class Rounds:
    """One per process. Several may run: each thing is done once, under locks."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stacks = StackWatch(clock=clock)
        self._stirred_at = clock()
        self._tidied_at: float | None = None
        self._presence = ""
        self._parts = isolation("reconciler")

    def step(self, *, at: datetime) -> None:
        """Do what is due. A part that fails is noted and the others run.

        What no row tells, because it comes with time alone, is looked at in every round until it has been quiet for
        CALM_AFTER, and now and then afterwards.
        """
        # One moment for all of a round: each part would ask for its own.
        with clock.asked_once():
            self._round(at=at)

    def _round(self, *, at: datetime) -> None:
        seen = self._look()
        calm = self._clock() - self._stirred_at >= CALM_AFTER
        reconcile.reconcile(at=at, waiting=seen.waiting, working=seen.overdue)
        self._part("stacks", lambda: self._stacks.step(at=at, calm=calm))
        if seen.installing:
            self._part("installations", unattended.take_up)
        if seen.updating:
            self._part("agent updates", agent_updates.advance_all)
        if seen.drifting:
            self._part("drift", lambda: watch_stacks.watch(at=at))
        pause = CALM_TIDY_SECONDS if calm else TIDY_SECONDS
        if self._tidied_at is None or self._clock() - self._tidied_at >= pause:
            self._tidied_at = self._clock()
            housekeeping.tidy(at=at)

    def _look(self) -> Attention:
        """Return what wants attention: all, where that cannot be said."""
        seen = Attention()
        with self._parts.item("look"):
            lost = min(settings.AXION_AGENT_LOST_AFTER, settings.AXION_CLUSTER_TAKEOVER_AFTER)
            seen = attention.look(
                silence=timedelta(seconds=settings.AXION_AGENT_SILENT_AFTER), lost=timedelta(seconds=lost)
            )
        if seen.is_wanted or seen.presence != self._presence:
            self._stirred_at = self._clock()
        self._presence = seen.presence
        return seen

    def _part(self, name: str, act: Callable[[], int]) -> None:
        if self._parts.rests(name):
            return
        with self._parts.item(name):
            if act():
                # What was stored may have consequences that time alone brings.
                self._stirred_at = self._clock()
