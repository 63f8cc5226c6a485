"""However a run ends, what it started is ended, and the exit code tells how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axion_deploy.demo import __main__ as program
from axion_deploy.demo.errors import DemoError, Interrupted, MissingPiece
from axion_deploy.demo.options import Options
from axion_deploy.demo.run import Demo, Outcome
from axion_deploy.demo.state import State
from axion_deploy.demo.terminal import Screen


class Ending(Demo):
    """A run that has started something and then ends as the test wants."""

    ends_with: BaseException | None = None
    cleaned: bool = False

    def run(self) -> None:
        self.has_servers = True
        self.cleanup.callback(self.clean)
        if self.ends_with is not None:
            raise self.ends_with
        self.outcome = Outcome(deployment="d1", status="success", vote_counted=True)

    def clean(self) -> None:
        type(self).cleaned = True


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr(program, "Demo", Ending)
    monkeypatch.setattr("axion_deploy.demo.signals.be_deaf", lambda: None)
    return Runner(tmp_path)


class Runner:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, error: BaseException | None, *, once: bool = True) -> int:
        Ending.ends_with, Ending.cleaned = error, False
        options = Options(once=once, cluster=False, keep=False, port=1, app_port=1, folder=self.folder, deadline=1)
        return program._run(options=options, screen=Screen(), state=State(root=self.folder, fresh=once))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DemoError("no"), 1),
        (OSError("disk full"), 1),
        (KeyError("a mistake of our own"), 1),
        (MissingPiece("no engine"), 3),
        (Interrupted("TERM"), 130),
        (None, 0),
    ],
)
def test_what_was_started_is_ended_and_the_code_tells_how(
    run: Runner, error: BaseException | None, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(error) == code
    assert Ending.cleaned
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("{") == (error is None)


def test_the_last_line_has_what_was_agreed(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    run(None)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    told = {"deployment", "status", "seconds", "engine", "services", "vote_counted", "noticed_seconds", "repaired"}
    assert set(last) == told | {"nodes", "survived"}
    assert (last["deployment"], last["engine"], last["vote_counted"]) == ("d1", "docker", True)


def test_clean_up_that_fails_is_no_success(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Ending) -> None:
        raise DemoError("a volume stays")

    monkeypatch.setattr(Ending, "clean", fail)
    assert run(None) == 1
