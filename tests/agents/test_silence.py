"""How long an agent may be silent is held against how long it pauses by itself, when a process starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.backoff import MAX_AGENT_PAUSE
from agents.runner.session import RECONNECT

ROOT = Path(__file__).parents[2]
NEEDED = {
    "DATABASE_URL": "postgres:///x",
    "REDIS_URL": "redis:///0",
    "AXION_SECRET_KEY": "x" * 60,
    "AXION_ENCRYPTION_KEYS": "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}


def start(**changes: str) -> subprocess.CompletedProcess[str]:
    order = [sys.executable, "-c", "import axion_deploy.settings"]
    return subprocess.run(
        order,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **NEEDED, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"AXION_AGENT_LOST_AFTER": "20"},
        {"AXION_HEARTBEAT_SECONDS": "90"},
        {"AXION_AGENT_SILENT_AFTER": "180"},
    ],
)
def test_settings_by_which_a_pause_is_a_loss_are_refused(changes: dict[str, str]) -> None:
    refused = start(**changes)
    assert refused.returncode != 0
    assert "AXION_AGENT_LOST_AFTER" in refused.stderr.splitlines()[-1]


def test_the_defaults_fit() -> None:
    assert start().returncode == 0


def test_an_agent_never_pauses_for_longer_than_it_is_held_to() -> None:
    assert max(RECONNECT.pause(failures=failures) for failures in range(100)) <= MAX_AGENT_PAUSE == 10
