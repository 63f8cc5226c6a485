"""`python -m stackgen`: all files, or every problem and no file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stackgen.__main__ import main
from tests.stackgen.docker.engine import needs_compose
from tests.stackgen.graphs import DATABASE, VOTING, graph, node, web


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


def run_main(raw: object, tmp_path: Path, *arguments: str) -> int:
    """The command over this graph; what it writes is in `out`."""
    (tmp_path / "graph.json").write_text(raw if isinstance(raw, str) else json.dumps(raw))
    return main([str(tmp_path / "graph.json"), "--out", str(tmp_path / "out"), *arguments])


BROKEN = graph(node("a", port="99999"), web("b", id="a"))


@pytest.mark.parametrize("raw", ["{", "[]", {"nodes": 1}, BROKEN, "[" * 100_000, '{"nodes": [{"id": "\\ud800"}]}'])
def test_every_problem_is_printed_and_nothing_written(
    raw: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(raw, tmp_path) == 2
    said = capsys.readouterr()
    assert said.err.strip()
    assert said.out == ""
    assert not (tmp_path / "out").exists()


def test_problems_of_graph_code_and_both_come_together_with_name_id_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, file in (("broken", "package.json"), ("linked", "main.py")):
        (tmp_path / "code" / name).mkdir(parents=True)
        (tmp_path / "code" / name / file).write_text("{")
    (tmp_path / "code" / "linked" / "link").symlink_to("/etc/hostname")
    raw = graph(
        node("Web", id="n-1", port="99999", image="x"),
        node("db", DATABASE, id="n-2", databaseType="redis", password="hush\nhush"),
        node("broken", id="n-3"), node("linked", id="n-4"), node("nothing", id="n-5"),
        web("many", id="n-6", hostPort="81", replicas="2"),
        edges=["n-1 n-9"],
    )  # fmt: skip
    assert run_main(raw, tmp_path, "--code", str(tmp_path / "code"), "--name", "No Name") == 2
    said = capsys.readouterr().err
    assert "hush" not in said
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "graph edge e0", "Web [n-1] config.port", "db [n-2] config.password", "linked [n-4] code", "graph name",
    ]  # fmt: skip
    assert run_main(raw, tmp_path, "--code", str(tmp_path / "code")) == 2
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()][4:] == [
        "broken [n-3] code", "nothing [n-5] code", "many [n-6] config.replicas",
    ]  # fmt: skip


def test_a_problem_is_one_line_whatever_the_name_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(graph(node("a\nroot [x] field: all is well\x1b[2J", port="x")), tmp_path) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said


def test_a_missing_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.json"), "--out", str(tmp_path)]) == 2
    assert "none.json" in capsys.readouterr().err


def test_warnings_are_printed_beside_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = graph(web("a"), web("b"), edges=["a b", "b a"])
    assert run_main(raw, tmp_path) == 0
    assert capsys.readouterr().err.startswith("warning: these call each other in a circle")
    assert "circle" in (tmp_path / "out" / "plan.txt").read_text()


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(graph(web("a")), tmp_path) == 0
    before = (tmp_path / "out" / "docker-compose.yml").read_text()
    (tmp_path / "out" / "plan.txt").unlink()
    (tmp_path / "out" / "plan.txt").mkdir()
    assert run_main(graph(web("b")), tmp_path) == 2
    assert "plan.txt is a folder" in capsys.readouterr().err
    assert (tmp_path / "out" / "docker-compose.yml").read_text() == before
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"docker-compose.yml", ".env.example", "plan.txt"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--env", "TOKEN=hush"), "--env"), (("--name", "Not A Name"), "name"), (("--image", "pyhton=x"), "pyhton"),
        (("--image", "python=X Y"), "--image"), (("--image-prefix", "registry"), "--image-prefix"),
        (("--engine", "swarm", "--name", "x" * 60), "name"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_said(
    arguments: tuple[str, ...], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(graph(web("a")), tmp_path, *arguments) == 2
    said = capsys.readouterr().err
    assert word in said
    assert "hush" not in said
    assert not (tmp_path / "out").exists()


def test_the_installations_choices_are_arguments(tmp_path: Path) -> None:
    (tmp_path / "code" / "a").mkdir(parents=True)
    (tmp_path / "code" / "a" / "main.py").write_text("")
    raw = graph(node("a", port="80", hostPort="81"), node("long" * 100, id="l"))
    raw["nodes"][1]["data"]["config"] = {"image": "x"}
    choices = ["--engine", "swarm", "--swarm-ports", "host", "--swarm-endpoints", "dnsrr", "--env", "TOKEN"]
    choices += ["--image", "python=mirror/python:3", "--image-prefix", "registry:5000/shop/", "--name", "shop"]
    assert run_main(raw, tmp_path, "--code", str(tmp_path / "code"), *choices) == 0
    service = yaml.safe_load((tmp_path / "out" / "docker-compose.yml").read_text())["services"]["a"]
    assert service["ports"][0]["mode"] == "host"
    assert service["deploy"]["endpoint_mode"] == "dnsrr"
    assert service["image"].startswith("registry:5000/shop/shop-a:")
    assert service["environment"]["TOKEN"] == "${ENV_TOKEN}"
    assert "FROM mirror/python:3" in (tmp_path / "out" / "Dockerfile.a").read_text()


@needs_compose
@pytest.mark.parametrize("engine", ["compose", "swarm"])
def test_with_the_example_as_env_file_docker_has_nothing_to_say(engine: str, tmp_path: Path) -> None:
    """Not even a warning, such as of a variable without a value."""
    raw = graph(web("a", secret__TOKEN="x"), node("db", DATABASE, databaseType="mysql"), edges=["a db"])
    assert run_main(raw, tmp_path, "--engine", engine, "--env", "LEVEL") == 0
    check = {
        "compose": "docker compose config --quiet",
        "swarm": "set -a; . ./.env; set +a; docker stack config --compose-file docker-compose.yml >/dev/null",
    }[engine]
    command = ("sh", "-c", f"cp .env.example .env; {check}")
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
