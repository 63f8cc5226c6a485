"""manage.py run_worker: starts pending deployments."""

from __future__ import annotations

from typing import Any

import django_rq
from django.core.management.base import BaseCommand

from deployments.queue import QUEUE


class Command(BaseCommand):
    help = "Take jobs from the queue. Add workers for more throughput; a killed one loses nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        # Not a fork per job: jobs last milliseconds, and what a kill interrupts, the reconciler repeats.
        worker = django_rq.get_worker(QUEUE, worker_class="rq.SimpleWorker")
        worker.work(with_scheduler=False)
