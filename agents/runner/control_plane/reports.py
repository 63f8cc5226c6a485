"""What a command's work tells the control plane: numbered, written down first, masked, bounded."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable

from agents.contracts import common_pb2
from agents.contracts import runner_pb2 as pb
from agents.reports.report_bounds import bound_report
from agents.runner.activity import WorkProgress
from agents.runner.control_plane.masker import Masker
from agents.runner.journal.command_journal import Journal

BUILDING = common_pb2.BUILDING
PUSHING = common_pb2.PUSHING
DEPLOYING = common_pb2.DEPLOYING
HEALTH_CHECKING = common_pb2.HEALTH_CHECKING
COMPLETED = common_pb2.COMPLETED

MAX_LOG_BYTES = 4 * 1024 * 1024
BATCH_BYTES = 16 * 1024
# Each batch is written to disk here and stored there; people read no sooner.
BATCH_SECONDS = 0.5
# Characters. A value that begins within them is masked whole.
MAX_LINE = 8 * 1024
MAX_MESSAGE = 4 * 1024
MAX_TAIL_LINES = 30
LINE_CUT = "... (line cut)"
LINES = re.compile(r"[^\n]*\n|[^\n]+")


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
        progress: WorkProgress | None = None,
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
        self._log_is_full = False

    def stage(self, stage: common_pb2.DeploymentStage, percent: int, message: str) -> None:
        """Report a stage. Progress only rises: what was reached before, even before a restart, is left out."""
        with self._lock:
            self.flush()
            if self._progress is not None:
                self._progress.begin_step(message)
            if self._journal.raise_percent(command_id=self._command_id, percent=percent):
                text = masked_text(message, masker=self._masker)
                self._append(pb.Report(stage=pb.StageReached(stage=stage, percent=percent, message=text)))

    def wait_for(self, step: str) -> None:
        """Note what the work waits for; nothing is reported."""
        if self._progress is not None:
            self._progress.wait_for(step)

    def service(self, observed: pb.ServiceObserved) -> None:
        """Report a service's state where it differs from what was reported last."""
        self.services([observed])

    def services(self, observed: Iterable[pb.ServiceObserved]) -> None:
        """Report the states that differ from what was reported last, written down together.

        Lines that are being gathered may come after them: each change would cost a batch of its own.
        """
        with self._lock:
            changed = [each for each in observed if self._last.get(each.service_name) != each]
            if not changed:
                return
            with self._journal.store.transaction():
                for each in changed:
                    self._append(pb.Report(service=self._masked(each)))
            self._last.update({each.service_name: each for each in changed})

    def log(self, *, source: str, text: str, service: str = "") -> None:
        """Report lines of output, each cut at its bound; nothing any more once the log is full."""
        self._note_activity()
        for line in LINES.findall(text):
            if self._log_is_full:
                return
            masked = masked_text(line.rstrip("\n"), masker=self._masker, limit=MAX_LINE, remark=LINE_CUT)
            self._gather(source=source, service=service, text=f"{masked}\n" if line.endswith("\n") else masked)

    def _gather(self, *, source: str, service: str, text: str) -> None:
        with self._lock:
            if self._gathered_for != (service, source):
                self.flush()
                self._gathered_for = (service, source)
            self._gathered.append(text)
            self._gathered_bytes += len(text)
            if self._gathered_bytes >= BATCH_BYTES:
                self.flush()
            elif self._timer is None:
                self._flush_soon()

    def _flush_soon(self) -> None:
        self._timer = threading.Timer(BATCH_SECONDS, self.flush)
        self._timer.daemon = True
        try:
            self._timer.start()
        except RuntimeError:  # the system gives no thread; the work must not end for that
            self._timer = None
            self.flush()

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
                reason=reason,
                message=masked_text(message, masker=self._masker),
                failed_service=service,
                log_tail=masked_tail(log_tail, masker=self._masker),
            )
            self._append(pb.Report(restore_started=body))

    def finished(self, finished: pb.CommandFinished, *, also: Callable[[], None]) -> None:
        """Store the last report, the end of the command and what `also` writes in one transaction; report no more."""
        with self._lock:
            self.flush()
            masked = pb.CommandFinished()
            masked.CopyFrom(finished)
            masked.message = masked_text(finished.message, masker=self._masker)
            masked.ClearField("log_tail")
            masked.log_tail.extend(masked_tail(finished.log_tail, masker=self._masker))
            masked.ClearField("services")
            masked.services.extend(self._masked(each) for each in finished.services)
            with self._journal.store.transaction():
                also()
                last = pb.Report(finished=masked)
                self._append(last)
                self._journal.finish(last)
            self._closed = True

    def _append_log(self, *, service: str, source: str, text: str) -> None:
        size = len(text.encode())
        with self._journal.store.transaction():
            total = self._journal.count_log(command_id=self._command_id, size=size)
            self._log_is_full = total > MAX_LOG_BYTES
            if total - size > MAX_LOG_BYTES:
                return
            if total > MAX_LOG_BYTES:
                source, text = "agent", "The log is longer than 4 MiB; the rest is left out.\n"
            self._append(pb.Report(log=pb.LogWritten(service_name=service, source=source, text=text)))

    def _note_activity(self) -> None:
        if self._progress is not None:
            self._progress.note_activity()

    def _append(self, report: pb.Report) -> None:
        if self._closed:
            return
        self._note_activity()
        report.command_id = self._command_id
        report.deployment_id = self._deployment_id
        report.at_ms = self._now_ms()
        bound_report(report)
        self._journal.append(report)
        self._wake()

    def _masked(self, observed: pb.ServiceObserved) -> pb.ServiceObserved:
        masked = pb.ServiceObserved()
        masked.CopyFrom(observed)
        masked.error_message = masked_text(observed.error_message, masker=self._masker)
        return masked


def masked_text(text: str, *, masker: Masker, limit: int = MAX_MESSAGE, remark: str = "...") -> str:
    """Return what may be told of a text: masked, and cut without showing a part of a value. `limit` in characters."""
    masked = masker.mask(text, limit=limit)
    return f"{masked}{remark}" if len(text) > limit else masked


def masked_tail(lines: Iterable[str], *, masker: Masker) -> list[str]:
    """Return the last lines of an output as they may be told."""
    last = deque(lines, maxlen=MAX_TAIL_LINES)
    return [masked_text(line, masker=masker, limit=MAX_LINE, remark=LINE_CUT) for line in last]
