"""A folder may be called anything: what Docker's client reads as a line of CSV is written as one."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from agents.runner.docker import arguments
from agents.runner.docker.arguments import Build

FOLDERS = ("/srv/plain", "/srv/two, with a comma", '/srv/a "quoted", one')


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_comma_in_a_path_parts_nothing(folder: str) -> None:
    argv = arguments.stack_deploy(stack="shop", folder=Path(folder))
    (read,) = csv.reader([argv[argv.index("--compose-file") + 1]])
    assert len(read) == 1
    assert read[0].startswith(f"{folder}/")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_comma_in_the_authorities_path_parts_nothing(folder: str) -> None:
    where = Path(folder)
    order = Build(context=where, dockerfile=where, tag="t", labels={}, cache_space="s", ca_bundle=where / "ca.pem")
    argv = arguments.build(order)
    secrets = [next(csv.reader([argv[at + 1]])) for at, word in enumerate(argv) if word == "--secret"]
    assert secrets == [["id=ca", f"src={folder}/ca.pem"], ["id=ca_bundle", f"src={folder}/ca.pem"]]
