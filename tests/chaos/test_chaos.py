"""Random faults over deployments of three projects: nothing is lost or hangs, and what is recorded is what runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.chaos.storm import run

pytestmark = [pytest.mark.docker, pytest.mark.slow]
SECONDS = 300.0
SEED = 20261127


@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0, reason="an engine, a network and a disk of its own need root")
def test_five_minutes_of_random_faults_break_no_promise(tmp_path: Path) -> None:
    said: list[str] = []
    # Unix sockets have short paths.
    with tempfile.TemporaryDirectory(prefix="axion-", ignore_cleanup_errors=True) as engine:
        outcome = run(
            folder=tmp_path / "plane", engine_folder=Path(engine) / "e", seconds=SECONDS, seed=SEED, say=said.append
        )
    assert not outcome.broken, "\n".join([*outcome.broken, "", *said])
    assert sum(outcome.faults.values()) >= 20, outcome.faults
