"""What a run wrote: its last lines, masked. What cannot be masked is not kept."""

from __future__ import annotations

import concurrent.futures
import contextlib
import time
from collections.abc import Callable, Mapping

import grpc

from agents.limits import MAX_JOB_OUTPUT_BYTES, MAX_LINE_BYTES
from agents.reports.report_bounds import cut
from agents.runner.control_plane.client import REFUSALS
from agents.runner.docker.run_containers import RunContainers
from agents.runner.errors import RunnerError
from agents.runner.journal.releases import Releases
from agents.runner.journal.scheduled_runs import ScheduledRun
from agents.runner.logs.values import LogMasking

MAX_LINES = 200
# Between two questions for values, while nobody answers.
AGAIN_SECONDS = 10.0
REFUSED = "(left out: the control plane does not say any more what in it is secret)"
# Return a deployment's values; may raise grpc.RpcError or TimeoutError.
AskValues = Callable[[str], Mapping[str, str]]


class OutputsWaitError(RunnerError):
    """The values to be masked cannot be had now: the output waits in its container."""


class Outputs:
    """Belongs to the scheduler's thread. Values stay in memory, as long as the process lives."""

    def __init__(self, *, containers: RunContainers, releases: Releases, ask_values: AskValues) -> None:
        self._containers = containers
        self._ask_values = ask_values
        self._again_at = 0.0
        self._masking = LogMasking(releases=releases, values_of=self._values_of)

    def learn(self, run: ScheduledRun) -> None:
        """Learn what a run may write while its deployment is what runs: later its values may not be told any more."""
        with contextlib.suppress(OutputsWaitError):
            self._learn(run)

    def _learn(self, run: ScheduledRun) -> bool:
        of = run.of
        return self._masking.learn(stack=of.stack, service=of.job, deployment_id=of.deployment_id)

    def of(self, run: ScheduledRun) -> str:
        """Return the end of what the run wrote. Raises OutputsWaitError while the values to be masked cannot be had."""
        if not self._learn(run):
            return REFUSED
        lines = self._containers.tail(run.container, lines=MAX_LINES)
        masked = (self._masking.masker.mask(line, limit=MAX_LINE_BYTES) for line in lines)
        return _end_of("\n".join(cut(line, MAX_LINE_BYTES) for line in masked))

    def _values_of(self, deployment_id: str) -> Mapping[str, str] | None:
        if time.monotonic() < self._again_at:
            raise OutputsWaitError("asked a moment ago")
        try:
            return self._ask_values(deployment_id)
        except grpc.RpcError as error:
            if error.code() in REFUSALS:
                return None
            self._again_at = time.monotonic() + AGAIN_SECONDS
            raise OutputsWaitError(str(error.code())) from error
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            self._again_at = time.monotonic() + AGAIN_SECONDS
            raise OutputsWaitError("no answer in time") from error


def _end_of(text: str) -> str:
    """Return the last whole lines that fit."""
    encoded = text.encode()
    if len(encoded) <= MAX_JOB_OUTPUT_BYTES:
        return text
    rest = encoded[-MAX_JOB_OUTPUT_BYTES:].split(b"\n", 1)
    return "(cut)\n" + rest[-1].decode(errors="replace")
