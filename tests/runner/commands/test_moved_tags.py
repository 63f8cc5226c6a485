"""A tag that means another image by now: asked again when a person asks for it, and said either way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agents.contracts import runner_pb2 as pb
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.small_registry import registry
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker


@pytest.fixture
def moved(engine: Any, stack: Stack, base_image: str) -> Iterator[tuple[Stack, str, str]]:
    """A service by a tag that a registry has given to another image; its name, and that image's id."""
    with registry(text=stack.name) as (address, served):
        reference = f"{address}/app:1"
        engine.tag(base_image, f"{address}/app", "1")
        yield replace(stack, services=(replace(stack.services[1], image=reference),)), reference, served
        engine.remove_image(reference, force=True)


def test_asked_for_by_force_the_registry_is_asked_again(
    agent: Agent, gateway: TestGateway, moved: tuple[Stack, str, str], engine: Any
) -> None:
    stack, reference, served = moved
    before = engine.inspect_image(reference)["Id"]
    plain = stack.deploy()
    assert deploy(gateway, plain).outcome == pb.SUCCEEDED
    assert f"web runs {before}; {reference} is on this host and was not asked again" in gateway.log(plain.command_id)
    forced = stack.deploy(force=True)
    finished = deploy(gateway, forced)
    assert f"{reference} was asked again: it means {served} now, {before} before" in gateway.log(forced.command_id)
    assert engine.inspect_image(reference)["Id"] == served
    # The registry's image has nothing that could run, so what ran before is back, at its own image.
    assert (finished.outcome, finished.services[0].image_digest) == (pb.RESTORED, before)


def test_a_registry_that_does_not_answer_is_said_and_what_is_here_runs(
    agent: Agent, gateway: TestGateway, moved: tuple[Stack, str, str], engine: Any, base_image: str
) -> None:
    engine.tag(base_image, "127.0.0.1:9/app", "1")
    away = moved[0].with_service("web", image="127.0.0.1:9/app:1").deploy(force=True)
    assert deploy(gateway, away).outcome == pb.SUCCEEDED
    assert "127.0.0.1:9/app:1 could not be asked again; what is here runs" in gateway.log(away.command_id)
    assert "was asked again" not in gateway.log(away.command_id)
    engine.remove_image("127.0.0.1:9/app:1", force=True)


def test_without_force_a_tag_that_is_here_is_not_asked_again(
    agent: Agent, gateway: TestGateway, stack: Stack, base_image: str
) -> None:
    command = replace(stack, services=(replace(stack.services[1], image=base_image),)).deploy()
    assert deploy(gateway, command).outcome == pb.SUCCEEDED
    assert "was not asked again" in gateway.log(command.command_id)
