"""`python -m stackgen`: all files, or every problem and no file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stackgen.__main__ import main
from tests.unit.stackgen.drawing import VOTING, graph, node, web


def test_the_sample_is_written(tmp_path: Path) -> None:
    arguments = [str(VOTING / "graph.json"), "--code", str(VOTING), "--out", str(tmp_path)]
    command = [sys.executable, "-m", "stackgen", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=VOTING.parents[2])
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {
        "docker-compose.yml", "Dockerfile.vote", "Dockerfile.result", "Dockerfile.worker", "Caddyfile.gateway",
        "Dockerfile.vote.dockerignore", "Dockerfile.result.dockerignore", "Dockerfile.worker.dockerignore",
        ".env.example", "plan.txt",
    }  # fmt: skip


BROKEN = json.dumps(graph(node("a", port="99999"), web("b", id="a")))


@pytest.mark.parametrize("text", ["{", "[]", '{"nodes": 1}', BROKEN])
def test_every_problem_is_printed_and_nothing_written(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "graph.json").write_text(text)
    assert main([str(tmp_path / "graph.json"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.strip()
    assert not (tmp_path / "out").exists()


def test_problems_name_id_name_and_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = graph(node("Web", id="n-1", port="99999"), node("Job", id="n-2", port="x"))
    (tmp_path / "graph.json").write_text(json.dumps(raw))
    assert main([str(tmp_path / "graph.json"), "--out", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Web [n-1] config.port", "Job [n-2] config.port"]


def test_a_missing_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.json"), "--out", str(tmp_path)]) == 2
    assert "none.json" in capsys.readouterr().err


def test_a_broken_bundle_names_its_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "graph.json").write_text(json.dumps(graph(node("api"))))
    (tmp_path / "code" / "api").mkdir(parents=True)
    (tmp_path / "code" / "api" / "link").symlink_to("/etc/hostname")
    assert main([str(tmp_path / "graph.json"), "--code", str(tmp_path / "code"), "--out", str(tmp_path / "out")]) == 2
    assert "api [api] code: link is a link that leads out" in capsys.readouterr().err
