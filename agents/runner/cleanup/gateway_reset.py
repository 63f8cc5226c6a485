"""Resets gateways that did not go by their own file again in time; done between commands.

A gateway that stood still may carry out a reload long after, and would lead to copies that are gone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

from agents.backoff import Backoff
from agents.runner.docker.host import DockerHost
from agents.runner.errors import UnavailableError
from agents.runner.interrupt import Interrupt
from agents.runner.journal.releases import Releases
from agents.runner.planning.model import RUNNING
from agents.runner.planning.routing import CONFIG_PATH, reload_command

RELOAD_SECONDS = 5.0
# Each try leaves a program behind in a container that stands still.
PAUSES = Backoff(first=30.0, most=3600.0)
logger = logging.getLogger(__name__)


class GatewayReset:
    """Belongs to one thread, and only while no command that it does not know of is at work."""

    def __init__(self, *, host: DockerHost, releases: Releases, clock: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._releases = releases
        self._clock = clock
        self._interrupt = Interrupt()
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def stop(self, why: str) -> None:
        """End what it does at the moment. Safe across threads."""
        self._interrupt.set(why)

    def reset_gateways(self, *, busy: Collection[str]) -> None:
        """Have gateways go by their own file again, but for those of `busy` stacks. Raises InterruptedWorkError."""
        routed = self._releases.all_routed_gateways()
        if not routed:
            return
        running = {item.id for item in self._host.all_containers() if item.state == RUNNING}
        for container_id, stack in routed.items():
            # One that does not run reads its own file when it starts.
            if container_id not in running or (stack not in busy and self._reset(container_id)):
                self._releases.forget_routed_gateway(container_id)
                self._failures.pop(container_id, None)
                self._not_before.pop(container_id, None)

    def _reset(self, container_id: str) -> bool:
        if self._clock() < self._not_before.get(container_id, 0.0):
            return False
        try:
            code, output = self._host.run_inside(
                container_id=container_id,
                argv=reload_command(CONFIG_PATH),
                seconds=RELOAD_SECONDS,
                interrupt=self._interrupt,
            )
        except UnavailableError as error:
            code, output = -1, str(error)
        if code != 0:
            failures = self._failures[container_id] = self._failures.get(container_id, 0) + 1
            self._not_before[container_id] = self._clock() + PAUSES.pause(failures=failures)
            logger.warning("gateway %s cannot be reset to its own file, retrying: %s", container_id[:12], output[-200:])
        return code == 0
