"""Containers of scheduled runs on a real engine: whole before they start, or not there at all."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from agents.runner.docker.engine import Engine
from agents.runner.docker.run_containers import MAX_FILES_BYTES, RunContainers
from agents.runner.errors import StepFailedError
from agents.runner.planning.model import LABEL_RUN

pytestmark = pytest.mark.docker


@pytest.fixture
def pattern(engine: Any, base_image: str) -> Iterator[str]:
    made = engine.create_container(base_image, command=["true"], name=f"axion-test-{uuid4().hex[:12]}")["Id"]
    yield made
    engine.remove_container(made, force=True)


@pytest.fixture
def run_id(engine: Any) -> Iterator[str]:
    name = str(uuid4())
    yield name
    for left in of_run(engine, name):
        engine.remove_container(left, force=True)


def of_run(engine: Any, run_id: str) -> list[str]:
    return [each["Id"] for each in engine.containers(all=True, filters={"label": f"{LABEL_RUN}={run_id}"})]


def put(engine: Any, container: str, *, size: int) -> None:
    """As Compose does with texts and secrets."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("secret.txt")
        member.size = size
        tar.addfile(member, io.BytesIO(b"x" * size))
    engine.put_archive(container, "/run", packed.getvalue())


def pattern_of(engine: Any, container: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = engine.inspect_container(container)
    return found


def size_inside(engine: Any, container: str) -> int:
    _, stat = engine.get_archive(container, "/run/secret.txt")
    return int(stat["size"])


def test_one_that_was_left_half_made_is_made_anew(engine: Any, pattern: str, run_id: str, base_image: str) -> None:
    put(engine, pattern, size=1000)
    half = engine.create_container(base_image, command=["true"], labels={LABEL_RUN: run_id})["Id"]
    made = RunContainers(engine=Engine()).make(pattern=pattern_of(engine, pattern), run_id=run_id)
    assert of_run(engine, run_id) == [made]
    assert made != half
    assert size_inside(engine, made) == 1000


def test_one_that_has_run_is_that(engine: Any, pattern: str, run_id: str) -> None:
    containers = RunContainers(engine=Engine())
    made = containers.make(pattern=pattern_of(engine, pattern), run_id=run_id)
    containers.start(made)
    assert containers.make(pattern=pattern_of(engine, pattern), run_id=run_id) == made


def test_files_that_are_too_large_are_refused_and_nothing_is_left(engine: Any, pattern: str, run_id: str) -> None:
    put(engine, pattern, size=MAX_FILES_BYTES + 1)
    with pytest.raises(StepFailedError, match=r"/run/secret\.txt is larger than 8 MiB"):
        RunContainers(engine=Engine()).make(pattern=pattern_of(engine, pattern), run_id=run_id)
    assert of_run(engine, run_id) == []
