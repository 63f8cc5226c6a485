"""manage.py run_worker: starts pending deployments."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from axion_deploy.metrics.server import serve_metrics
from deployments import queue


class Command(BaseCommand):
    help = "Take jobs from the queue. Add workers for more throughput; a killed one loses nothing."
    # They would load every page; `migrate` and the web process run them.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        serve_metrics(process="worker")
        queue.worker().work(with_scheduler=False)
