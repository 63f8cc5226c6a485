"""Whether the work on each command moves: what it does now, and since when nothing came of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agents.contracts import runner_pb2 as pb

MAX_STEP = 200
# Of more commands that stand still than this, those that have stood still the longest are told.
MAX_STALLED = 32
OTHER_WORK = "other work on this server"
logger = logging.getLogger(__name__)


class WorkProgress:
    """One command's. Moves with each report, each line of a child, each answer of Docker. Safe across threads."""

    def __init__(self, *, command_id: str, deployment_id: str, clock: Callable[[], float]) -> None:
        self.command_id = command_id
        self.deployment_id = deployment_id
        self._clock = clock
        self._at = clock()
        self._step = ""

    def note_activity(self) -> None:
        self._at = self._clock()

    def begin_step(self, step: str) -> None:
        """Note that the work now does this step, which counts as activity."""
        self._step = step[:MAX_STEP]
        self.note_activity()

    def wait_for(self, step: str) -> None:
        """Note that the work now waits for this, which does not count as activity."""
        self._step = step[:MAX_STEP]

    def inactivity(self) -> Inactivity:
        return Inactivity(
            command_id=self.command_id,
            deployment_id=self.deployment_id,
            seconds=self._clock() - self._at,
            step=self._step,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactivity:
    """For so many seconds nothing has come of the command's work; `step` is what it waits for."""

    command_id: str
    deployment_id: str
    seconds: float
    step: str


class Watchdog:
    """Knows the commands at work, and those that wait for their turn. Safe across threads.

    `after`: the seconds without a move that are worth a word.
    """

    def __init__(self, *, after: float, clock: Callable[[], float]) -> None:
        self._after = after
        self._clock = clock
        self._lock = threading.Lock()
        self._at_work: dict[str, WorkProgress] = {}
        self._waiting: dict[str, WorkProgress] = {}
        self._logged: set[str] = set()

    def begin(self, *, command_id: str, deployment_id: str) -> WorkProgress:
        progress = WorkProgress(command_id=command_id, deployment_id=deployment_id, clock=self._clock)
        with self._lock:
            self._waiting.pop(command_id, None)
            self._at_work[command_id] = progress
        return progress

    def take_open(self, commands: Mapping[str, str]) -> None:
        """Take in every command that is to be worked on, by id with its deployment: those not at work wait."""
        with self._lock:
            waiting = {}
            for command_id in commands.keys() - self._at_work.keys():
                waiting[command_id] = self._waiting.get(command_id) or self._new_waiting(
                    command_id=command_id, deployment_id=commands[command_id]
                )
            self._waiting = waiting

    def _new_waiting(self, *, command_id: str, deployment_id: str) -> WorkProgress:
        progress = WorkProgress(command_id=command_id, deployment_id=deployment_id, clock=self._clock)
        progress.wait_for(OTHER_WORK)
        return progress

    def end(self, command_id: str) -> None:
        with self._lock:
            self._at_work.pop(command_id, None)
            self._logged.discard(command_id)

    def stalled(self) -> list[pb.Stalled]:
        """Return the commands without activity for too long, those at work first; log each one once."""
        with self._lock:
            everything = [progress.inactivity() for progress in (*self._at_work.values(), *self._waiting.values())]
            stalled = [command for command in everything if command.seconds >= self._after]
            # What is at work and does not move says more than what waits for it.
            stalled.sort(key=lambda command: (command.command_id in self._waiting, -command.seconds))
            new = [command for command in stalled if command.command_id not in self._logged]
            self._logged = {command.command_id for command in stalled}
        for command in new:
            logger.warning("command %s has not moved for %.0f s: %s", command.command_id, command.seconds, command.step)
        return [
            pb.Stalled(
                command_id=command.command_id,
                deployment_id=command.deployment_id,
                seconds=int(command.seconds),
                step=command.step,
            )
            for command in stalled[:MAX_STALLED]
        ]
