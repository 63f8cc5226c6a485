"""Whose turn it is: one command at a time in a lane and on a stack, others side by side, whatever threads there are."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner import dispatch
from agents.runner.commands.context import Work
from agents.runner.commands.registry import CommandKind
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import Reporter
from agents.runner.dispatch import MAX_AT_ONCE, Dispatcher
from agents.runner.interrupt import Interrupt
from agents.runner.journal.command_journal import Entry, Journal
from agents.runner.journal.store import Store


class Bench:
    """A dispatcher over a real journal, whose work lasts until it is let go."""

    def __init__(self, *, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.journal = journal
        self.changed = threading.Condition()
        self.at_work: list[str] = []
        self.begun: list[str] = []
        self.released: set[str] = set()
        kind = CommandKind(version=1, handle=self.handle)
        monkeypatch.setattr(dispatch, "COMMANDS", {"deploy": kind, "revert": kind})
        self.dispatcher = Dispatcher(journal=journal, work_for=self.work_for, ended=lambda _: None)

    def work_for(self, entry: Entry, interrupt: Interrupt) -> Work:
        reporter = Reporter(
            journal=self.journal,
            command_id=entry.id,
            deployment_id=entry.deployment_id,
            masker=Masker(),
            now_ms=lambda: 1,
            wake=lambda: None,
        )
        return cast(Work, SimpleNamespace(reporter=reporter, command=entry.command(), interrupt=interrupt))

    def handle(self, work: Work) -> None:
        name = work.command.command_id
        with self.changed:
            self.at_work.append(name)
            self.begun.append(name)
            self.changed.notify_all()
            while name not in self.released and not work.interrupt.why:
                self.changed.wait(0.05)
            self.at_work.remove(name)
            self.changed.notify_all()
        work.interrupt.check()
        work.reporter.finished(pb.CommandFinished(outcome=pb.SUCCEEDED), also=lambda: None)

    def order(self, name: str, *, lane: str, stack: str, number: int = 1) -> None:
        order = pb.Deploy(stack_name=stack)
        command = pb.Command(command_id=name, lane=lane, number=number, deployment_id=f"d-{name}", deploy=order)
        assert self.dispatcher.take(command).accepted

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 10
        with self.changed:
            while not condition():
                assert time.monotonic() < deadline, (self.begun, self.at_work)
                self.changed.wait(0.05)

    def finish(self, *names: str) -> None:
        with self.changed:
            self.released.update(names)
            self.changed.notify_all()

    def finished(self) -> bool:
        return not self.journal.unfinished()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    store = Store(tmp_path / "journal.sqlite3")
    made = Bench(journal=Journal(store), monkeypatch=monkeypatch)
    yield made
    made.dispatcher.stop(timeout=5)
    store.close()


def test_two_lanes_of_one_stack_never_work_at_once(bench: Bench) -> None:
    bench.order("a", lane="p@server", stack="shop")
    bench.until(lambda: bench.at_work == ["a"])
    bench.order("b", lane="p@cluster", stack="shop")
    bench.order("c", lane="q@server", stack="other")
    bench.until(lambda: "c" in bench.at_work)
    assert sorted(bench.at_work) == ["a", "c"]
    bench.finish("a")
    bench.until(lambda: sorted(bench.at_work) == ["b", "c"])
    bench.finish("b", "c")
    bench.until(bench.finished)
    assert bench.begun == ["a", "c", "b"]


def test_who_waits_for_a_stack_holds_up_nobody(bench: Bench) -> None:
    for number in range(2 * MAX_AT_ONCE):
        bench.order(f"same-{number}", lane=f"p@{number}", stack="shop")
    others = [f"other-{number}" for number in range(MAX_AT_ONCE - 1)]
    for name in others:
        bench.order(name, lane=name, stack=name)
    bench.until(lambda: len(bench.at_work) == MAX_AT_ONCE)
    assert set(others) < set(bench.at_work)
    bench.finish(*others, *(f"same-{number}" for number in range(2 * MAX_AT_ONCE)))
    bench.until(bench.finished)


def test_no_more_than_the_bound_work_at_once_and_all_have_their_turn(bench: Bench) -> None:
    names = [f"c{number}" for number in range(3 * MAX_AT_ONCE)]
    for name in names:
        bench.order(name, lane=name, stack=name)
    bench.until(lambda: len(bench.at_work) == MAX_AT_ONCE)
    bench.finish(*names)
    bench.until(bench.finished)
    assert sorted(bench.begun) == sorted(names)


def test_a_lane_keeps_its_order_also_when_its_stack_changes_its_name(bench: Bench) -> None:
    bench.order("first", lane="p@s", stack="old-name", number=1)
    bench.order("second", lane="p@s", stack="new-name", number=2)
    bench.until(lambda: bench.at_work == ["first"])
    bench.finish("first")
    bench.until(lambda: bench.at_work == ["second"])
    bench.finish("second")
    bench.until(bench.finished)


class NoThreads:
    """The system has no more threads for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, failures: int) -> None:
        self.failures = failures
        start = threading.Thread.start

        def begin(thread: threading.Thread) -> None:
            if self.failures > 0:
                self.failures -= 1
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", begin)


def test_a_lane_without_a_thread_is_tried_again_by_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    NoThreads(monkeypatch, failures=2)
    bench.finish("a")

    async def ordered() -> None:
        bench.order("a", lane="p@s", stack="shop")
        async with asyncio.timeout(10):
            while not bench.finished():
                await asyncio.sleep(0.02)

    asyncio.run(ordered())
    assert "can't start new thread" in caplog.text


def test_a_lane_without_a_thread_goes_on_with_the_next_connection(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = NoThreads(monkeypatch, failures=10**6)
    bench.finish("a")
    bench.order("a", lane="p@s", stack="shop")
    bench.dispatcher.resume()
    assert bench.begun == []
    without.failures = 0
    bench.dispatcher.resume()
    bench.until(bench.finished)


def test_a_lane_without_a_thread_is_taken_over_by_one_that_works(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.order("a", lane="p@s", stack="shop")
    bench.until(lambda: bench.at_work == ["a"])
    NoThreads(monkeypatch, failures=10**6)
    bench.order("b", lane="q@s", stack="other")
    bench.finish("a", "b")
    bench.until(bench.finished)


def test_stopping_never_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    NoThreads(monkeypatch, failures=10**6)
    bench.order("a", lane="p@s", stack="shop")
    bench.dispatcher.stop(timeout=1)
    assert [entry.id for entry in bench.journal.unfinished()] == ["a"]
