"""The master keeps its parts running: one that ends alone, all that end with it, one that will not end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from axion_deploy.demo.options import REPOSITORY
from axion_deploy.prefork.master import REFUSED, SETTLED_SECONDS, Kept, Master
from axion_deploy.prefork.parts import NAMES, Part, parts
from tests.e2e.control_plane import wait_for

SECONDS = 60.0
Start = Callable[[str], "Running"]


class Running:
    def __init__(self, folder: Path, behaviour: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "tests.prefork.keeping", str(folder), behaviour]
        self.process = subprocess.Popen(command, cwd=REPOSITORY)

    def pids(self, part: str) -> list[int]:
        """All that were this part so far."""
        return [int(path.suffix[1:]) for path in self.folder.glob(f"{part}.*")]

    def wait_until_both_run(self) -> None:
        wait_for(lambda: bool(self.pids("first") and self.pids("second")), seconds=SECONDS, what="both parts")

    def alive(self) -> list[int]:
        return [pid for part in ("first", "second") for pid in self.pids(part) if runs(pid)]


def runs(pid: int) -> bool:
    """Whether this process is there and has not ended; a number that was given to somebody else does not count."""
    try:
        process = psutil.Process(pid)
        return "tests.prefork.keeping" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Running] = []

    def start_one(behaviour: str) -> Running:
        made.append(Running(tmp_path, behaviour))
        return made[-1]

    yield start_one
    for each in made:
        for pid in (*each.alive(), *([each.process.pid] if each.process.poll() is None else [])):
            os.kill(pid, signal.SIGKILL)
        each.process.wait(30)


def test_a_part_that_is_killed_is_forked_again_and_all_end_when_asked(start: Start) -> None:
    running = start("waits")
    running.wait_until_both_run()
    (second,) = running.pids("second")
    os.kill(running.pids("first")[0], signal.SIGKILL)
    wait_for(lambda: len(running.pids("first")) == 2, seconds=SECONDS, what="the part to be back")
    assert runs(second)
    assert running.pids("second") == [second]
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(SECONDS) == 0
    assert running.alive() == []


def test_parts_end_when_the_master_is_killed(start: Start) -> None:
    running = start("waits")
    running.wait_until_both_run()
    running.process.kill()
    wait_for(lambda: not running.alive(), seconds=SECONDS, what="the end of the parts")


def test_a_part_that_refuses_its_settings_at_first_ends_the_whole(start: Start) -> None:
    running = start("refuses")
    assert running.process.wait(SECONDS) == REFUSED
    assert running.alive() == []


def test_pauses_grow_until_a_part_has_run_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    master = Master([])
    kept = Kept(part=Part(name="web", command=""), started=now)
    pauses = []
    for _ in range(12):
        master._ended(kept, code=-9)
        pauses.append(kept.due - now)
    assert pauses[0] <= 0.2
    assert max(pauses) <= 10.0
    assert pauses[-1] >= 5.0
    kept.started = now - SETTLED_SECONDS
    master._ended(kept, code=REFUSED)
    assert kept.due - now <= 0.2
    assert not master.refused


def test_a_consumer_is_a_part_only_where_there_are_brokers(settings: Any) -> None:
    settings.KAFKA_BROKERS = []
    assert [part.name for part in parts(bind="127.0.0.1:0")] == list(NAMES[:-1])
    settings.KAFKA_BROKERS = ["127.0.0.1:1"]
    assert [part.name for part in parts(bind="127.0.0.1:0")] == list(NAMES)
    assert [part.name for part in parts(bind="127.0.0.1:0", without=["web"])] == list(NAMES[1:])
