"""The supervisor and the ledger, with real processes that are really killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agents.backoff import Backoff
from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.ledger import Ledger
from axion_deploy.demo.supervisor import MAX_RESTARTS, Supervisor
from axion_deploy.embedded.child import Child
from tests.demo.voting import eventually

# Starts a child of its own, as a program that builds would, and leaves it behind when it ends.
PARENT = "import subprocess, time\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\ntime.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
COUNTS_TERMS = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True) or globals().update(end=True))\n"
    "end = False\nprint('up', flush=True)\nwhile not end: time.sleep(0.01)\ntime.sleep(0.5)"
)


def python(name: str, code: str, folder: Path) -> Child:
    return Child(name=name, command=[sys.executable, "-c", code], log_file=folder / f"{name}.log")


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def started() -> list[tuple[str, int | None]]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, started: list[tuple[str, int | None]]) -> Iterator[Supervisor]:
    children = [python("first", PARENT, tmp_path), python("second", PARENT, tmp_path)]
    kept = Supervisor(children=children, on_start=lambda child: started.append((child.name, child.pid)))
    kept.start()
    yield kept
    kept.stop(grace=5)


def pid_of(supervisor: Supervisor, name: str) -> int:
    pid = supervisor.child(name).pid
    assert pid is not None
    return pid


def test_a_killed_process_is_started_again(supervisor: Supervisor, started: list[tuple[str, int | None]]) -> None:
    first, second = pid_of(supervisor, "first"), pid_of(supervisor, "second")
    os.kill(first, signal.SIGKILL)
    again = supervisor.child("first")
    eventually(lambda: again.is_running() and again.pid != first, what="a new one")
    assert pid_of(supervisor, "second") == second
    assert started == [("first", first), ("second", second), ("first", again.pid)]
    supervisor.check()


def test_stop_ends_all_processes_and_what_they_started(supervisor: Supervisor) -> None:
    eventually(lambda: all(supervisor.child(name).tail() for name in ("first", "second")), what="grandchildren")
    pids = [pid_of(supervisor, name) for name in ("first", "second")]
    pids += [int(supervisor.child(name).tail()) for name in ("first", "second")]
    assert all(runs(pid) for pid in pids)
    assert supervisor.stop(grace=5) == []
    eventually(lambda: not any(runs(pid) for pid in pids), seconds=5, what="all gone")
    time.sleep(0.5)
    assert not supervisor.child("first").is_running(), "nothing is started again after the stop"


def test_a_process_that_ends_again_and_again_is_given_up_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axion_deploy.demo.supervisor.RETRY", Backoff(first=0.1, most=0.1))
    child = python("broken", "import sys; sys.exit('no such table')", tmp_path)
    kept = Supervisor(children=[child], on_start=lambda _: None)
    kept.start()
    try:
        with pytest.raises(DemoError, match=r"(?s)broken ended .* times .*code 1.*no such table"):
            for _ in range(600):
                kept.check()
                time.sleep(0.05)
    finally:
        kept.stop()
    assert (tmp_path / "broken.log").read_text().count("no such table") == MAX_RESTARTS + 1


def test_a_process_that_does_not_listen_is_killed_in_time(tmp_path: Path) -> None:
    child = python("deaf", DEAF, tmp_path)
    kept = Supervisor(children=[child], on_start=lambda _: None)
    kept.start()
    eventually(lambda: child.tail() == "deaf", what="it is deaf now")
    began = time.monotonic()
    assert kept.stop(grace=1) == ["deaf"]
    assert time.monotonic() - began < 4
    assert child.exit_code == -signal.SIGKILL


def test_a_process_is_asked_to_stop_once(tmp_path: Path) -> None:
    """Some programs take a second TERM for impatience and drop their work."""
    child = python("polite", COUNTS_TERMS, tmp_path)
    child.start()
    eventually(lambda: child.tail() == "up", what="it listens")
    child.request_stop()
    child.request_stop()
    assert child.stop(grace=5)
    assert child.tail().split() == ["up", "asked"]


def test_the_ledger_ends_what_a_killed_run_left_behind_and_nobody_else(tmp_path: Path) -> None:
    ours, stranger = python("ours", PARENT, tmp_path), python("stranger", PARENT, tmp_path)
    for child in (ours, stranger):
        child.start()
    eventually(lambda: bool(ours.tail()), what="a grandchild")
    grandchild = int(ours.tail())
    file = tmp_path / "processes.json"
    Ledger(file).note(name="ours", pid=ours.pid)
    Ledger(file).note(name="reused", pid=stranger.pid)
    # The same number, but noted for a process that began at another time.
    entries = json.loads(file.read_text())
    entries[1]["created"] -= 60
    file.write_text(json.dumps(entries))
    assert Ledger(file).end_leftovers() == ["ours"]
    assert not ours.is_running()
    eventually(lambda: not runs(grandchild), what="the end of the grandchild")
    assert stranger.is_running()
    assert not file.exists()
    stranger.kill()


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"pid": 1}]'])
def test_a_damaged_ledger_ends_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "processes.json"
    file.write_text(content)
    assert Ledger(file).end_leftovers() == []
