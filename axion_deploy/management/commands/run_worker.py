"""manage.py run_worker: starts pending deployments."""

from __future__ import annotations

import threading
from typing import Any

from agents.wording.pages import lazy
from axion_deploy.languages.terminal_language import SpeakingCommand
from axion_deploy.metrics.server import serve_metrics
from deployments import queue

# Of one process. They wait for servers, most of the time.
INSTALLATIONS_AT_ONCE = 2


def _take_installations() -> None:
    """For a thread. It ends with the process: what it was at, another worker takes up."""
    queue.installation_worker().work(with_scheduler=False)


class Command(SpeakingCommand):
    help = lazy("Take jobs from the queue. Add workers for more throughput; none loses anything when it is killed.")
    # They would load every page; `migrate` and the web process run them.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        serve_metrics(process="worker")
        for number in range(INSTALLATIONS_AT_ONCE):
            threading.Thread(target=_take_installations, name=f"installations-{number}", daemon=True).start()
        queue.worker().work(with_scheduler=False)
