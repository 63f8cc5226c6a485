"""manage.py reconcile: closes what nobody answers."""

from __future__ import annotations

import itertools
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from agents.isolation import isolation
from axion_deploy.processes import run_until, stop_on_signals
from deployments.services.incidents import watch
from deployments.services.lifecycle import reconcile
from deployments.services.upkeep import housekeeping, watch_stacks

ROUND_SECONDS = 1.0
TIDY_EVERY = 10


class Command(BaseCommand):
    help = "Look once a second for dead jobs, lost agents and overdue deployments. Several may run."

    def handle(self, *args: Any, **options: Any) -> None:
        rounds = itertools.count()
        stacks = watch.StackWatch()
        loop = isolation("reconciler")

        def step() -> float:
            reconcile.reconcile(at=timezone.now())
            if not loop.rests("stacks"):
                with loop.item("stacks"):
                    stacks.step(at=timezone.now())
            if not loop.rests("drift"):
                with loop.item("drift"):
                    watch_stacks.watch(at=timezone.now())
            if next(rounds) % TIDY_EVERY == 0:
                housekeeping.tidy(at=timezone.now())
            return ROUND_SECONDS

        run_until(stop_on_signals(), name="reconciler", step=step)
