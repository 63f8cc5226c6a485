"""Child processes: their output, their end, and finding them again. Real processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.runner.docker import processes
from agents.runner.docker.processes import Child, end_marked, marked, run
from agents.runner.errors import InterruptedWorkError
from agents.runner.interrupt import REVERTED, Interrupt

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
# A grandchild in a session of its own: no longer in the group that is signalled.
RUNAWAY = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True); {SLEEP}"
)

# What has left its session and its marker behind, and still holds the output.
UNKNOWN = (
    "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'],"
    f" start_new_session=True, env={{}}); {SLEEP}"
)


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path)
    end_marked(marker=str(tmp_path), grace=0)


def child(code: str, marker: str, *, deadline: float = 30) -> Child:
    return Child(argv=[sys.executable, "-c", code], environment={}, marker=marker, deadline=deadline)


def interrupted(code: str, marker: str) -> float:
    """Run until the first line of output, interrupt; how many seconds the end took."""
    interrupt = Interrupt()
    asked_at: list[float] = []

    def on_line(_: str) -> None:
        if not asked_at:
            asked_at.append(time.monotonic())
            threading.Thread(target=interrupt.set, args=(REVERTED,)).start()

    with pytest.raises(InterruptedWorkError, match=REVERTED):
        run(child=child(code, marker), interrupt=interrupt, on_line=on_line)
    return time.monotonic() - asked_at[0]


def test_every_line_and_the_code_arrive(marker: str) -> None:
    lines: list[str] = []
    code = "import sys; print('out'); print('err', file=sys.stderr, end=''); sys.exit(7)"
    ended = run(child=child(code, marker), interrupt=Interrupt(), on_line=lines.append)
    assert (ended.code, ended.late) == (7, False)
    assert sorted(lines) == ["err\n", "out\n"]


def test_it_ends_at_its_deadline(marker: str) -> None:
    ended = run(child=child(SLEEP, marker, deadline=0.5), interrupt=Interrupt(), on_line=lambda _: None)
    assert ended.late


def test_a_willing_child_ends_at_once(marker: str) -> None:
    assert interrupted(SLEEP, marker) < 1.5
    assert marked(marker) == []


def test_a_stubborn_child_ends_after_the_grace(marker: str) -> None:
    assert 2 < interrupted(STUBBORN, marker) < 10
    assert marked(marker) == []


def test_what_left_the_group_ends_too(marker: str) -> None:
    interrupted(RUNAWAY, marker)
    assert marked(marker) == []


def test_an_orphan_is_found_and_a_stranger_is_not(marker: str) -> None:
    environment = {"AXION_RUNNER_WORK": f"{marker}:c1"}
    elsewhere = {"AXION_RUNNER_WORK": "/elsewhere:c1"}
    with (
        subprocess.Popen([sys.executable, "-c", STUBBORN], env=environment, stdout=subprocess.PIPE) as orphan,
        subprocess.Popen([sys.executable, "-c", SLEEP], env=elsewhere) as stranger,
    ):
        assert orphan.stdout is not None
        orphan.stdout.readline()
        assert marked(marker) == [orphan.pid]
        assert end_marked(marker=f"{marker}:", grace=0.2) == 1
        assert orphan.wait(5) == -9
        assert stranger.poll() is None
        stranger.kill()


def test_nothing_starts_after_an_interrupt(marker: str) -> None:
    interrupt = Interrupt()
    interrupt.set(REVERTED)
    with pytest.raises(InterruptedWorkError):
        run(child=child(SLEEP, marker), interrupt=interrupt, on_line=lambda _: None)
    assert marked(marker) == []


def test_what_holds_the_output_and_is_not_ours_is_left_alone(marker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "HELD_SECONDS", 0.2)
    lines: list[str] = []
    began = time.monotonic()
    ended = run(child=child(UNKNOWN, marker, deadline=0.5), interrupt=Interrupt(), on_line=lines.append)
    assert (ended.late, lines) == (True, ["up\n"])
    assert time.monotonic() - began < 10


def test_lines_however_they_end_and_come(marker: str) -> None:
    lines: list[str] = []
    code = (
        "import os, time; os.write(1, b'one\\r'); time.sleep(0.2); os.write(1, b'\\ntwo\\rthree \\xc3');"
        " time.sleep(0.2); os.write(1, b'\\xbc\\xff end')"
    )
    run(child=child(code, marker), interrupt=Interrupt(), on_line=lines.append)
    assert lines == ["one\n", "two\n", "three \u00fc\ufffd end\n"]
