"""The golden case of all runtimes, built and started for real. Base images that cannot be pulled are stand-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from stackgen.runtimes.known import RUNTIMES
from tests.stackgen.docker.engine import MAX_IMAGES_SECONDS, ensure_images, needs_engine, run
from tests.stackgen.docker.stacks import Running, build_stack, unique_stack_name
from tests.stackgen.test_golden import GOLDEN

pytestmark = [*needs_engine, pytest.mark.timeout(MAX_IMAGES_SECONDS)]
CASE = GOLDEN / "runtimes"
OWN = "own"
# Nothing on this side of a registry stands in for their images.
WITHOUT_STAND_IN = frozenset({"php", "ruby", "dotnet"})


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tried = [runtime for name, runtime in RUNTIMES.items() if name not in WITHOUT_STAND_IN]
    ensure_images(*sorted({image for runtime in tried for image in runtime.images.values()}))
    code = {folder.name: folder for folder in (CASE / "code").iterdir()}
    raw = json.loads((CASE / "graph.json").read_text())
    running = build_stack(raw, code, tmp_path_factory.mktemp("runtimes"), unique_stack_name())
    try:
        running.up()
        yield running
    finally:
        running.down()


def test_every_runtime_is_built_and_becomes_healthy(runtimes: Running) -> None:
    """Most programs use a package in what their health check asks for: without it they would answer with an error."""
    built = {service.name for service in runtimes.stack.services}
    assert len(built) == len(list((CASE / "code").iterdir()))
    assert runtimes.health() == {**dict.fromkeys(built, "healthy"), OWN: "running"}


def test_nobody_runs_as_root_but_who_wrote_so(runtimes: Running) -> None:
    images = {service.name: service.image for service in runtimes.stack.services}
    told = json.loads(run("docker", "image", "inspect", *images.values(), folder=runtimes.folder))
    users = {name: item["Config"]["User"] for name, item in zip(images, told, strict=True)}
    assert [name for name, user in users.items() if user.split(":")[0] in {"", "0", "root"}] == [OWN]
