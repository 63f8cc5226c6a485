"""Whole cases, one folder each: graph, code and every file that is expected.

UPDATE_GOLDEN=1 writes what is expected anew, and the graph of `databases`, which has each kind of database.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from stackgen.__main__ import main
from tests.stackgen.docker.engine import needs_compose, run
from tests.stackgen.kinds import golden_graph

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/graph.json"))
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


@pytest.fixture(scope="module", autouse=True)
def graph_of_databases() -> None:
    if UPDATE:
        (GOLDEN / "databases" / "graph.json").write_text(golden_graph())


def generate(case: Path, out: Path) -> int:
    """Run the command as `arguments.json` says."""
    extra = json.loads((case / "arguments.json").read_text()) if (case / "arguments.json").exists() else []
    return main([str(case / "graph.json"), "--code", str(case / "code"), "--out", str(out), *extra])


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("name", CASES)
def test_a_case_gives_exactly_the_expected_files(name: str, tmp_path: Path) -> None:
    assert generate(GOLDEN / name, tmp_path / "out") == 0
    expected = GOLDEN / name / "expected"
    if UPDATE:
        shutil.rmtree(expected, ignore_errors=True)
        shutil.copytree(tmp_path / "out", expected)
    assert read(tmp_path / "out") == read(expected)


@needs_compose
@pytest.mark.parametrize("name", CASES)
def test_docker_accepts_the_expected_files(name: str, tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / name / "expected", tmp_path / "stack")
    shutil.copy(tmp_path / "stack" / ".env.example", tmp_path / "stack" / ".env")
    if "swarm" in name:
        command = "set -a; . ./.env; set +a; docker stack config --compose-file docker-compose.yml"
        run("sh", "-c", command, folder=tmp_path / "stack")
    else:
        run("docker", "compose", "config", "--quiet", folder=tmp_path / "stack")


def test_there_are_cases() -> None:
    assert len(CASES) >= 5
