"""What is written for Compose is what was judged."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from agents.runner.planning.stackfile import read_stack, write_stack
from tests.runner.policy.test_stackcheck import GOLDEN, variables_of


@pytest.mark.docker
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parts[-3])
def test_compose_reads_the_written_stack_as_it_reads_the_text(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    (tmp_path / "text.yml").write_text(text)
    (tmp_path / "written.json").write_text(write_stack(read_stack(text)))
    read = [json.loads(config(tmp_path / name, variables_of(text))) for name in ("text.yml", "written.json")]
    builds = [service.pop("build", {}) for service in read[0]["services"].values()]
    # What only a build is given is no matter of what runs.
    for given in (secret["source"] for build in builds for secret in build.get("secrets", ())):
        read[0]["secrets"].pop(given)
    assert read[0] == read[1]


def config(path: Path, variables: set[str]) -> bytes:
    argv = ["docker", "compose", "--project-name", "same", "--file", str(path), "config", "--format", "json"]
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", **dict.fromkeys(variables, "value")}
    return subprocess.run(argv, check=True, capture_output=True, env=environment).stdout


def test_characters_that_yaml_treats_as_its_own_survive() -> None:
    words = ["yes", "22:22", "2026-11-27", "\x85\u2028\x7f\ufeff", "😀", "a: b # c", "${A}", "~", "=", "1e3", " "]
    text = yaml.safe_dump({"services": {"web": {"image": "x", "command": words}}}, allow_unicode=True)
    written = write_stack(read_stack(text))
    assert yaml.safe_load(written)["services"]["web"]["command"] == words
    assert json.loads(written)["services"]["web"]["command"] == words
