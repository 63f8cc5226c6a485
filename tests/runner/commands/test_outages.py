"""What is tried again and what is not, and a question that hangs while Docker answers all others."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from docker.errors import APIError

from agents.backoff import Backoff
from agents.contracts import runner_pb2 as pb
from agents.runner.activity import WorkProgress
from agents.runner.commands import outages, revert
from agents.runner.commands.context import Work
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import Reporter
from agents.runner.docker import host as docker_host
from agents.runner.docker import patience
from agents.runner.docker.host import DockerHost
from agents.runner.docker.patience import WorkPatience
from agents.runner.errors import EngineAwayError, InterruptedWorkError, StepFailedError
from agents.runner.interrupt import REVERTED, Interrupt
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.releases import Releases
from agents.runner.journal.store import Store

pytestmark = pytest.mark.docker
ENGINE = "/var/run/docker.sock"


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    store = Store(tmp_path / "journal.sqlite3")
    journal = Journal(store)
    journal.receive(pb.Command(command_id="c", lane="l", number=1, deployment_id="d", deploy=pb.Deploy()))
    reporter = Reporter(
        journal=journal, command_id="c", deployment_id="d", masker=Masker(), now_ms=lambda: 0, wake=lambda: None
    )
    parts = SimpleNamespace(host=DockerHost(), interrupt=Interrupt(), reporter=reporter, masker=Masker(), store=store)
    yield cast(Work, parts)
    reporter.flush()
    store.close()


def failing(times: int, error: Exception) -> tuple[list[int], Callable[[], str]]:
    calls: list[int] = []

    def attempt() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return calls, attempt


def test_a_way_back_that_docker_would_not_do_is_tried_again(work: Work) -> None:
    calls, attempt = failing(2, StepFailedError("apply", "removal of container 1234 is already in progress"))
    assert outages.retry_until_done(work=work, attempt=attempt) == "done"
    assert len(calls) == 3


@pytest.mark.parametrize(("error", "tries"), [("unhealthy", 1), ("image", 1), ("apply", 3)])
def test_but_not_what_was_judged_nor_for_ever(work: Work, error: str, tries: int) -> None:
    calls, attempt = failing(99, StepFailedError(error, "no"))
    with pytest.raises(StepFailedError):
        outages.retry_until_done(work=work, attempt=attempt)
    assert len(calls) == tries


def test_an_order_to_go_back_is_tried_again_from_its_first_look_on(
    work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls, look = failing(1, APIError("driver failed to get the container"))
    parts = cast(SimpleNamespace, work)
    parts.command = pb.Command(deployment_id="d", revert=pb.Revert(stack_name="no-such-stack"))
    parts.releases = Releases(store=parts.store, folder=tmp_path)
    monkeypatch.setattr(revert, "refuse_unknown_containers", lambda **_: look())
    revert.revert(work)
    *_, last = Journal(parts.store).pending_reports(after=0, limit=100)
    assert pb.Report.FromString(last.body).finished.outcome == pb.RESTORED
    assert len(calls) == 2


def test_a_docker_that_goes_away_again_and_again_is_not_the_stack_s_fault(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:

    def attempt() -> None:
        work.host._engine.line_cut()
        raise StepFailedError("unhealthy", "db does not stay up")

    with pytest.raises(StepFailedError, match="went away 3 times") as failed:
        outages.retry_through_outages(work=work, attempt=attempt, most=2)
    assert failed.value.reason == "internal"


def test_a_docker_that_is_away_is_waited_for_on_the_way_back_however_often(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "PAUSES", Backoff(first=0.001, most=0.002))
    calls: list[int] = []

    def attempt() -> str:
        calls.append(1)
        if len(calls) < 2 * outages.MAX_OUTAGES:
            work.host._engine.line_cut()
            raise StepFailedError("unhealthy", "db does not stay up")
        return "done"

    assert outages.retry_until_done(work=work, attempt=attempt) == "done"


@pytest.mark.parametrize("way", [outages.retry_through_outages, outages.retry_until_done])
def test_a_journal_that_cannot_be_written_is_nobody_s_outage(work: Work, way: Callable[..., str]) -> None:
    calls: list[int] = []

    def attempt() -> str:
        calls.append(1)
        work.host._engine.line_cut()
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(sqlite3.OperationalError):
        way(work=work, attempt=attempt)
    assert len(calls) == 1


def test_who_waits_for_docker_is_ended_at_once_and_says_nothing_after_his_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", Backoff(first=60, most=60))
    said: list[str] = []
    interrupt, progress = Interrupt(), WorkProgress(command_id="c", deployment_id="d", clock=time.monotonic)
    waiting = WorkPatience(interrupt=interrupt, tell=said.append, progress=progress)
    threading.Timer(0.3, interrupt.set, args=(REVERTED,)).start()
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(InterruptedWorkError):
            waiting.wait(away=EngineAwayError("gone"), failures=1)
    assert time.monotonic() - began < 20
    assert len(said) == 1
    later: list[str] = []
    with pytest.raises(InterruptedWorkError):
        WorkPatience(interrupt=interrupt, tell=later.append, progress=progress).wait(
            away=EngineAwayError("gone"), failures=1
        )
    assert later == []


class Stalling:
    """In front of the engine: requests with `word` in their first line get no answer."""

    def __init__(self, *, path: str, word: bytes) -> None:
        self._word = word
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._lines: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(ENGINE)
                self._lines += [client, engine]
                for source, target in ((client, engine), (engine, client)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while came := source.recv(65536):
                if self._word not in came.split(b"\r\n", 1)[0]:
                    target.sendall(came)

    def close(self) -> None:
        for each in self._lines:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def test_one_question_that_hangs_is_told_as_that_and_ends_with_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_host, "QUESTION_SECONDS", 0.5)
    monkeypatch.setattr(docker_host, "PATIENT_SECONDS", 0.5)
    stalling = Stalling(path=f"{tmp_path}/s", word=b"/images/")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
    said: list[str] = []
    interrupt, progress = Interrupt(), WorkProgress(command_id="c", deployment_id="d", clock=time.monotonic)
    host = DockerHost(patience=WorkPatience(interrupt=interrupt, tell=said.append, progress=progress))
    threading.Timer(2, interrupt.set, args=(REVERTED,)).start()
    try:
        assert host.networks("no-such-stack") == {}
        with pytest.raises(InterruptedWorkError):
            host.image_ids()
        assert host.state is not None
        assert host.state.answers
        # What failed meanwhile may have failed for this.
        assert host.outages > 0
    finally:
        stalling.close()
    assert said[0].startswith("Docker on this host does not answer: one question got no answer in time, others do.")
