"""The demo's folder."""

from __future__ import annotations

import base64
import fcntl
from pathlib import Path

import pytest

from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.state import State


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    state = State(root=tmp_path / "demo", fresh=False)
    with state.locked():
        state.prepare()
        first = state.secrets()
        assert state.secrets() == first
        state.prepare()
        assert state.secrets() == first
    assert (state.folder / "env").stat().st_mode & 0o777 == 0o600
    assert state.root.stat().st_mode & 0o777 == 0o700
    version, _, key = first["AXION_ENCRYPTION_KEYS"].partition(":")
    assert (version, len(base64.b64decode(key))) == ("1", 32)


def test_a_fresh_run_sees_and_leaves_nothing_but_logs(tmp_path: Path) -> None:
    state = State(root=tmp_path, fresh=True)
    with state.locked():
        state.prepare()
        state.remember(project="p", app_port=8080)
        (state.logs / "web.log").write_text("kept")
        password = state.secrets()["AXION_DEMO_PASSWORD"]
        state.prepare()
        assert state.facts() == {}
        assert state.secrets()["AXION_DEMO_PASSWORD"] != password
        (state.logs / "web.log").write_text("kept")
        state.discard()
    assert not state.folder.exists()
    assert (state.logs / "web.log").read_text() == "kept"


def test_facts_add_up(tmp_path: Path) -> None:
    state = State(root=tmp_path, fresh=False)
    state.prepare()
    state.remember(name="Voting")
    state.remember(app_port=8081)
    assert State(root=tmp_path, fresh=False).facts() == {"name": "Voting", "app_port": 8081}


def test_two_demos_in_one_folder_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DemoError, match="already running"), State(root=tmp_path, fresh=True).locked():
            pytest.fail("entered")
