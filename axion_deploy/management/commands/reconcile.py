"""manage.py reconcile: closes what nobody answers."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from agents.wording.pages import lazy
from axion_deploy.languages.terminal_language import SpeakingCommand
from axion_deploy.metrics.server import serve_metrics
from axion_deploy.processes import run_until, stop_on_signals
from deployments.services.upkeep.rounds import Rounds

ROUND_SECONDS = 1.0


class Command(SpeakingCommand):
    help = lazy("Look once a second for dead jobs, lost agents and overdue deployments. Several may run.")
    # They would load every page; `migrate` and the web process run them.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        serve_metrics(process="reconciler")
        rounds = Rounds()

        def step() -> float:
            rounds.step(at=timezone.now())
            return ROUND_SECONDS

        run_until(stop_on_signals(), name="reconciler", step=step)
