"""Takes commands in and has them worked on: one after the other in a lane, lanes side by side."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass

from agents.contracts import runner_pb2 as pb
from agents.runner.commands import COMMANDS
from agents.runner.errors import InterruptedWorkError
from agents.runner.interrupt import REVERTED, STOPPING, Interrupt
from agents.runner.journal import Entry, Journal, Receipt
from agents.runner.reports import Reporter
from agents.runner.work import Work

LANES_AT_ONCE = 4
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Running:
    deployment_id: str
    kind: str
    interrupt: Interrupt


class Dispatcher:
    """Safe across threads. The journal is the queue: a lane's thread takes its next command from there.

    `ended` is called with a command's id after the work on it, however it ended; it must not block.
    """

    def __init__(
        self, *, journal: Journal, work_for: Callable[[Entry, Interrupt], Work], ended: Callable[[str], None]
    ) -> None:
        self._journal = journal
        self._work_for = work_for
        self._ended = ended
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._lanes: dict[str, threading.Thread] = {}
        self._room = threading.Semaphore(LANES_AT_ONCE)
        self._stopping = Interrupt()

    def take(self, command: pb.Command, *, numbered: bool = True) -> pb.CommandAcknowledged:
        """Write the command down and start on it; the answer may be sent once this returns.

        `numbered`: the control plane says with it which reports of it are stored.
        """
        kind = command.WhichOneof("payload")
        if kind not in COMMANDS:
            return _refusal(command, "unknown_kind", "This agent is too old for the command; bring it up to date.")
        if not (command.command_id and command.lane and command.deployment_id):
            return _refusal(command, "invalid", "The command has no id, lane or deployment.")
        receipt = self._journal.receive(command, numbered=numbered)
        if receipt is Receipt.STALE:
            return _refusal(command, "stale_number", "A newer command of this project was received before.")
        if receipt is Receipt.NEW:
            logger.info("command %s: %s of deployment %s", command.command_id, kind, command.deployment_id)
            if kind == "revert":
                self._interrupt(lane=command.lane, deployment_id=command.deployment_id)
        # Of a repeat, too: it may have waited for just this.
        self._start(command.lane)
        return pb.CommandAcknowledged(command_id=command.command_id, accepted=True)

    def resume(self) -> None:
        """After a start or a new connection: go on with what the journal says is unfinished and nobody works on."""
        for entry in self._journal.unfinished():
            self._start(entry.lane)

    def stop(self, *, timeout: float) -> None:
        """End the work at hand without finishing its commands, and take no more; waits up to `timeout` seconds."""
        self._stopping.set(STOPPING)
        with self._lock:
            lanes = list(self._lanes.values())
        share = timeout / max(1, len(lanes))
        for lane in lanes:
            lane.join(share)

    def _interrupt(self, *, lane: str, deployment_id: str) -> None:
        with self._lock:
            running = self._running.get(lane)
        if running is not None and running.deployment_id == deployment_id and running.kind == "deploy":
            running.interrupt.set(REVERTED)

    def _start(self, lane: str) -> None:
        with self._lock:
            if lane in self._lanes or self._stopping.why:
                return
            thread = threading.Thread(target=self._work_lane, args=(lane,), name=f"lane-{lane[:12]}", daemon=True)
            self._lanes[lane] = thread
            thread.start()

    def _work_lane(self, lane: str) -> None:
        try:
            with self._room:
                while (entry := self._next(lane)) is not None:
                    self._work(entry)
        except Exception:  # a full disk, say: the command stays open, and the next connection resumes the lane
            logger.exception("lane %s broke off", lane)
        finally:
            self._give_up(lane)

    def _give_up(self, lane: str) -> None:
        """Only the lane's own thread does this; a thread that followed it may have the lane by then."""
        with self._lock:
            if self._lanes.get(lane) is threading.current_thread():
                self._running.pop(lane, None)
                self._lanes.pop(lane, None)

    def _next(self, lane: str) -> Entry | None:
        """The lane's next command; without one, the thread gives up the lane under the same lock."""
        with self._lock:
            entry = None if self._stopping.why else self._journal.next_in_lane(lane)
            if entry is None:
                self._running.pop(lane, None)
                self._lanes.pop(lane, None)
                return None
            interrupt = Interrupt(parent=self._stopping)
            self._running[lane] = Running(deployment_id=entry.deployment_id, kind=entry.kind, interrupt=interrupt)
            # Received while nobody was looking, or before a restart.
            if entry.kind == "deploy" and self._journal.reverted(entry.deployment_id):
                interrupt.set(REVERTED)
            return entry

    def _work(self, entry: Entry) -> None:
        interrupt = self._running[entry.lane].interrupt
        work = self._work_for(entry, interrupt)
        try:
            interrupt.check()
            COMMANDS[entry.kind].handle(work)
        except InterruptedWorkError as ended:
            if ended.why == REVERTED:
                _finish(work.reporter, "cancelled", "The work was stopped on request.")
        except sqlite3.OperationalError:
            # The journal cannot be written, so no end can be noted: the command goes on when it can be again.
            raise
        except Exception as error:
            logger.exception("command %s broke off", entry.id)
            _finish(work.reporter, "internal", f"The agent could not go on: {type(error).__name__}.")
        finally:
            interrupt.close()
            self._ended(entry.id)
            work.reporter.flush()


def _finish(reporter: Reporter, reason: str, message: str) -> None:
    finished = pb.CommandFinished(outcome=pb.FAILED, reason=reason, message=message)
    reporter.finished(finished, also=lambda: None)


def _refusal(command: pb.Command, refusal: str, message: str) -> pb.CommandAcknowledged:
    return pb.CommandAcknowledged(command_id=command.command_id, refusal=refusal, message=message)
