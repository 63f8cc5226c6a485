"""What is generated of our own samples equals them, but for the written list of what is meant to differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stackgen.compose_import.compare import compare, main

SAMPLES = Path(__file__).parent / "samples"


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yml")), ids=lambda path: path.name)
def test_nothing_of_a_sample_is_unexplained(path: Path) -> None:
    comparison = compare(path)
    assert not comparison.failed
    assert comparison.unexplained == []
    assert comparison.equal > 10


def test_a_file_that_compose_refuses_is_a_failure_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("services: {web: {image: nginx, nonsense: 1}}\n")
    (tmp_path / "b.yml").write_text("services: {web: {image: nginx}}\n")
    told: list[str] = []
    assert main(tmp_path, say=told.append) == 1
    assert told[0].startswith("a.yml: FAILED")
    assert told[-1].startswith("1 of 2 imported")
