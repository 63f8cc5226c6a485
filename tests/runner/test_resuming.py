"""Whose work goes on before anybody was heard: only that of who we still are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.runner.config import Config, load_config
from agents.runner.control_plane.certificate import hash_of
from agents.runner.control_plane.identity import Identity, save_identity
from agents.runner.control_plane.line import Line
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.store import Store
from agents.runner.session import Session

FIRST = "a-token"


def session_of(config: Config, journal: Journal) -> Session:
    nobody: Any = None
    return Session(
        config=config,
        line=Line(config),
        journal=journal,
        dispatcher=nobody,
        machine=nobody,
        retain=nobody,
        self_check=nobody,
        observations=nobody,
        volumes=nobody,
        samples=nobody,
        swarm=nobody,
        logs=nobody,
        schedules=nobody,
        updater=nobody,
    )


def environment(folder: Path, token: str) -> dict[str, str]:
    return {
        "AXION_AGENT__AGENT__TOKEN": token,
        "AXION_AGENT__AGENT__SERVER_ID": "s",
        "AXION_AGENT__AGENT__STATE_DIR": str(folder),
        "AXION_AGENT__CONTROL_PLANE__GRPC_URL": "http://127.0.0.1:1",
    }


async def test_who_is_nobody_yet_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    config = load_config(path=None, environment=environment(tmp_path, FIRST))
    store = Store(tmp_path / "journal.sqlite3")
    assert session_of(config, Journal(store)).may_resume() is False
    store.close()


@pytest.mark.parametrize(
    ("token", "served", "goes_on"),
    [
        (FIRST, "", True),
        (FIRST, "agent-1", True),
        ("", "agent-1", True),
        # Another token is there to become somebody else; and the journal is of somebody else.
        ("another-token", "agent-1", False),
        (FIRST, "agent-0", False),
    ],
)
async def test_who_is_to_become_somebody_else_asks_first(
    tmp_path: Path, token: str, served: str, goes_on: bool
) -> None:
    config = load_config(path=None, environment=environment(tmp_path, token))
    identity = Identity(agent_id="agent-1", server_id="s", credential="c", token_hash=hash_of(FIRST))
    save_identity(path=config.credential_file, identity=identity)
    store = Store(tmp_path / "journal.sqlite3")
    journal = Journal(store)
    if served:
        journal.record_control_plane(agent_id=served, ledger="l")
    assert session_of(config, journal).may_resume() is goes_on
    store.close()
