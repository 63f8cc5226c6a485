"""What a command's work tells the control plane: numbered, written down first, masked, bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from agents.bounding import bound_report
from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.runner.journal import Journal
from agents.runner.masking import Masker
from agents.runner.progress import Progress

BUILDING = common_pb2.BUILDING
DEPLOYING = common_pb2.DEPLOYING
HEALTH_CHECKING = common_pb2.HEALTH_CHECKING
COMPLETED = common_pb2.COMPLETED

MAX_LOG_BYTES = 4 * 1024 * 1024
BATCH_BYTES = 16 * 1024
BATCH_SECONDS = 0.2
LONGEST_LINE = 8 * 1024


class Reporter:
    """Reports of one command. Safe across threads; log lines are gathered, everything else is written at once."""

    def __init__(
        self,
        *,
        journal: Journal,
        command_id: str,
        deployment_id: str,
        masker: Masker,
        now_ms: Callable[[], int],
        wake: Callable[[], None],
        progress: Progress | None = None,
    ) -> None:
        self._progress = progress
        self._journal = journal
        self._command_id = command_id
        self._deployment_id = deployment_id
        self._masker = masker
        self._now_ms = now_ms
        self._wake = wake
        self._lock = threading.RLock()
        self._gathered: list[str] = []
        self._gathered_bytes = 0
        self._gathered_for = ("", "")
        self._timer: threading.Timer | None = None
        self._last: dict[str, pb.ServiceObserved] = {}
        self._closed = False

    def stage(self, stage: common_pb2.DeploymentStage, percent: int, message: str) -> None:
        """Progress only rises: what was reached before, also before a restart, is not told again."""
        with self._lock:
            self.flush()
            if self._progress is not None:
                self._progress.begins(message)
            if self._journal.rise(command_id=self._command_id, percent=percent):
                text = self._masker.mask(message)
                self._append(pb.Report(stage=pb.StageReached(stage=stage, percent=percent, message=text)))

    def service(self, observed: pb.ServiceObserved) -> None:
        """A service's state, if it is news."""
        with self._lock:
            if self._last.get(observed.service_name) == observed:
                return
            self._last[observed.service_name] = observed
            self.flush()
            self._append(pb.Report(service=self._masked(observed)))

    def log(self, *, source: str, text: str, service: str = "") -> None:
        """One line or more of output; longer lines are cut after masking."""
        self._moved()
        text = self._masker.mask(text)
        if len(text) > LONGEST_LINE and text.count("\n") <= 1:
            text = f"{text[:LONGEST_LINE]}... (line cut)\n"
        with self._lock:
            if self._gathered_for != (service, source):
                self.flush()
                self._gathered_for = (service, source)
            self._gathered.append(text)
            self._gathered_bytes += len(text)
            if self._gathered_bytes >= BATCH_BYTES:
                self.flush()
            elif self._timer is None:
                self._timer = threading.Timer(BATCH_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write down the gathered log lines."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            text, (service, source) = "".join(self._gathered), self._gathered_for
            self._gathered, self._gathered_bytes = [], 0
            if text:
                self._append_log(service=service, source=source, text=text)

    def restore_started(self, *, reason: str, message: str, service: str, log_tail: Iterable[str]) -> None:
        with self._lock:
            self.flush()
            body = pb.RestoreStarted(
                reason=reason, message=self._masker.mask(message), failed_service=service, log_tail=self._tail(log_tail)
            )
            self._append(pb.Report(restore_started=body))

    def finished(self, finished: pb.CommandFinished, *, also: Callable[[], None]) -> None:
        """The last report, the end of the command and what `also` writes, in one transaction. Silent afterwards."""
        with self._lock:
            self.flush()
            told = pb.CommandFinished()
            told.CopyFrom(finished)
            told.message = self._masker.mask(finished.message)
            told.ClearField("log_tail")
            told.log_tail.extend(self._tail(finished.log_tail))
            told.ClearField("services")
            told.services.extend(self._masked(each) for each in finished.services)
            with self._journal.store.transaction():
                also()
                last = pb.Report(finished=told)
                self._append(last)
                self._journal.finish(last)
            self._closed = True

    def _append_log(self, *, service: str, source: str, text: str) -> None:
        size = len(text.encode())
        with self._journal.store.transaction():
            total = self._journal.count_log(command_id=self._command_id, size=size)
            if total - size > MAX_LOG_BYTES:
                return
            if total > MAX_LOG_BYTES:
                source, text = "agent", "The log is longer than 4 MiB; the rest is left out.\n"
            self._append(pb.Report(log=pb.LogWritten(service_name=service, source=source, text=text)))

    def _moved(self) -> None:
        if self._progress is not None:
            self._progress.moved()

    def _append(self, report: pb.Report) -> None:
        if self._closed:
            return
        self._moved()
        report.command_id = self._command_id
        report.deployment_id = self._deployment_id
        report.at_ms = self._now_ms()
        bound_report(report)
        self._journal.append(report)
        self._wake()

    def _tail(self, lines: Iterable[str]) -> list[str]:
        return [self._masker.mask(line) for line in lines]

    def _masked(self, observed: pb.ServiceObserved) -> pb.ServiceObserved:
        told = pb.ServiceObserved()
        told.CopyFrom(observed)
        told.error_message = self._masker.mask(observed.error_message)
        return told
