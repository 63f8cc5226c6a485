"""Who builds on a server plants a module in the cache from which another project's build takes its own."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.build_caches import KEY_BYTES, BuildCaches
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent, agent, base_image, engine, gateway, remove_stack, stack
from tests.runner.gateway import TestGateway
from tests.runner.stacks import PROGRAM, Stack

__all__ = ["agent", "base_image", "engine", "gateway", "stack"]
MODULE = "/go/pkg/mod/lib.go"


@pytest.fixture
def victim(engine: Any, stack: Stack) -> Iterator[Stack]:
    other = replace(stack, name=f"axion-test-{uuid4().hex[:8]}", project_id=str(uuid4()), numbers=[])
    yield other
    remove_stack(engine, other.name)


def built(gateway: TestGateway, base: str, stack: Stack, run: str, *, number: int) -> str:
    """What the build of the stack's `web` printed."""
    # A line of its own, so that no layer of a build before is taken for it.
    dockerfile = f"FROM {base}\nRUN --mount=type=cache,target=/go/pkg/mod echo {uuid4()}; {run}\n"
    bundle = gateway.add_bundle({"main.py": PROGRAM, "Dockerfile": dockerfile})
    image = f"axion/{stack.name}-web:{number:016d}"
    command = stack.with_service("web", image=image, bundle=bundle, version=str(number)).deploy()
    assert deploy(gateway, command).outcome == pb.SUCCEEDED
    return gateway.log(command.command_id)


@pytest.mark.docker
def test_no_project_sees_what_another_left_in_the_cache(
    agent: Agent, gateway: TestGateway, base_image: str, stack: Stack, victim: Stack
) -> None:
    mark = f"planted-{uuid4()}"
    look = f"cat {MODULE} || echo cache-is-empty"
    built(gateway, base_image, stack, f"echo {mark} > {MODULE}", number=1)
    seen = built(gateway, base_image, victim, look, number=2)
    assert mark not in seen
    assert "cache-is-empty" in seen.replace("|| echo cache-is-empty", "")
    # Its own is there the next time, or it would be no cache.
    assert mark in built(gateway, base_image, stack, look, number=3)


def test_a_space_is_one_project_s_on_one_host_and_cannot_be_guessed(tmp_path: Path) -> None:
    path = tmp_path / "build-caches.key"
    first = BuildCaches(path=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == KEY_BYTES
    assert first.space("a") == BuildCaches(path=path).space("a") != first.space("b")
    assert first.space("a") != BuildCaches(path=tmp_path / "another.key").space("a")
    path.write_bytes(b"")
    assert len(BuildCaches(path=path).space("a")) == 64
    assert len(path.read_bytes()) == KEY_BYTES
