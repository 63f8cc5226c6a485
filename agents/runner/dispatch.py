"""Takes commands in and has them worked on: one at a time in a lane and on a stack, others side by side."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from agents.backoff import Backoff
from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.registry import COMMANDS
from agents.runner.control_plane.reports import Reporter
from agents.runner.errors import InterruptedWorkError
from agents.runner.interrupt import REVERTED, STOPPING, Interrupt
from agents.runner.journal.command_journal import Entry, Journal, Receipt
from agents.runner.planning.codec import stack_of

MAX_AT_ONCE = 4
# What an order to go back interrupts.
REVERTIBLE = frozenset({"deploy", "build"})
# A process may have no more threads for the moment: the machine's bound on processes, say.
NO_THREAD = Backoff(first=0.5, most=10.0)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunningCommand:
    deployment_id: str
    kind: str
    stack: str
    interrupt: Interrupt


class Dispatcher:
    """Safe across threads. The journal is the queue: a thread that is free takes the next command of a lane from there.

    Two lanes may order work on one stack of this host; it is done one after the other, and who waits for that holds no
    thread. `ended` is called with a command's id after the work on it, however it ended;
    it must not block.
    """

    def __init__(
        self, *, journal: Journal, work_for: Callable[[Entry, Interrupt], Work], ended: Callable[[str], None]
    ) -> None:
        self._journal = journal
        self._work_for = work_for
        self._ended = ended
        self._lock = threading.Lock()
        # Lanes that may have something to do, the longest waiting first, and what is at work in which.
        self._lanes: dict[str, None] = {}
        self._running: dict[str, RunningCommand] = {}
        self._threads: set[threading.Thread] = set()
        self._without_thread = 0
        self._stopping = Interrupt()
        self._held = False

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
        """Go on with what the journal has unfinished and nobody works on, after a start or a new connection."""
        for entry in self._journal.unfinished():
            self._start(entry.lane)

    def hold(self) -> bool:
        """Begin nothing from now on; tell whether nothing is underway either, so that the journal may change hands."""
        with self._lock:
            self._held = True
            return not self._running and not self._journal.workable()

    def go_on(self) -> None:
        """Take up again what `hold` kept from beginning."""
        with self._lock:
            self._held = False
        self._add_threads()

    def stop(self, *, timeout: float) -> None:
        """End the work at hand without finishing its commands, and take no more; waits up to `timeout` seconds."""
        self._stopping.set(STOPPING)
        with self._lock:
            threads = list(self._threads)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _interrupt(self, *, lane: str, deployment_id: str) -> None:
        with self._lock:
            running = self._running.get(lane)
        if running is not None and running.deployment_id == deployment_id and running.kind in REVERTIBLE:
            running.interrupt.set(REVERTED)

    def _start(self, lane: str) -> None:
        with self._lock:
            self._lanes.setdefault(lane)
        self._add_threads()

    def _add_threads(self) -> None:
        """Start a thread per lane that waits, within the bound. A lane without one waits for a thread to get free."""
        with self._lock:
            while len(self._threads) < min(MAX_AT_ONCE, len(self._lanes)) and not self._at_rest:
                thread = threading.Thread(target=self._work_on, name=f"work-{len(self._threads)}", daemon=True)
                try:
                    thread.start()
                except (RuntimeError, MemoryError) as error:
                    self._try_again_later(error)
                    return
                self._without_thread = 0
                self._threads.add(thread)

    def _try_again_later(self, error: Exception) -> None:
        """Schedule another try in the loop we are called in; without one the next command or connection tries again."""
        self._without_thread += 1
        pause = NO_THREAD.pause(failures=self._without_thread)
        logger.error("no thread can be started (%s): %d lanes wait, next try in %.1f s", error, len(self._lanes), pause)
        try:
            asyncio.get_running_loop().call_later(pause, self._add_threads)
        except RuntimeError:
            return

    def _work_on(self) -> None:
        """Work until nothing may be begun now. Who ends a command looks for what waited for its stack."""
        try:
            while (claimed := self._claim()) is not None:
                entry, running = claimed
                try:
                    self._work(entry, running.interrupt)
                except Exception:  # a full disk, say: the command stays open, and the next connection resumes the lane
                    logger.exception("lane %s failed, the next connection resumes it", entry.lane)
                    self._set_aside(entry.lane)
                finally:
                    self._free(entry.lane)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    @property
    def _at_rest(self) -> bool:
        return self._held or bool(self._stopping.why)

    def _set_aside(self, lane: str) -> None:
        with self._lock:
            self._lanes.pop(lane, None)

    def _free(self, lane: str) -> None:
        with self._lock:
            self._running.pop(lane, None)

    def _claim(self) -> tuple[Entry, RunningCommand] | None:
        """Return the next command whose lane and stack are free, or release the thread under the same lock."""
        with self._lock:
            claimed = None
            try:
                claimed = None if self._at_rest else self._next()
            except Exception:  # the journal cannot be read: the next connection tries again
                logger.exception("the journal cannot be read, the next connection tries again")
            if claimed is None:
                self._threads.discard(threading.current_thread())
            return claimed

    def _next(self) -> tuple[Entry, RunningCommand] | None:
        busy = {running.stack for running in self._running.values()}
        for lane in [each for each in self._lanes if each not in self._running]:
            entry = self._journal.next_in_lane(lane)
            # Last in the queue from now on, or out of it.
            del self._lanes[lane]
            if entry is None:
                continue
            self._lanes[lane] = None
            stack = stack_of(entry.command())
            if stack in busy:
                continue
            interrupt = Interrupt(parent=self._stopping)
            # Received while nobody was looking, or before a restart.
            if entry.kind in REVERTIBLE and self._journal.reverted(entry.deployment_id):
                interrupt.set(REVERTED)
            running = RunningCommand(
                deployment_id=entry.deployment_id, kind=entry.kind, stack=stack, interrupt=interrupt
            )
            self._running[lane] = running
            return entry, running
        return None

    def _work(self, entry: Entry, interrupt: Interrupt) -> None:
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
            logger.exception("command %s failed", entry.id)
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
