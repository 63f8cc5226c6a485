"""A volume goes because a person typed its name, and only while Docker says that nothing has it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import VOLUMES_PROTOCOL
from tests.runner.commands.test_deploy import deploy
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack

pytestmark = pytest.mark.docker


@pytest.fixture
def volume(engine: Any, stack: Stack) -> Iterator[str]:
    """A volume of the project that no container has."""
    name = f"{stack.name}_left-{uuid4().hex[:8]}"
    engine.create_volume(name=name, labels={"axion.project": stack.project_id})
    yield name
    if name in names(engine, stack):
        engine.remove_volume(name)


def names(engine: Any, stack: Stack) -> list[str]:
    label = f"axion.project={stack.project_id}"
    return [each["Name"] for each in engine.volumes(filters={"label": label})["Volumes"] or ()]


def told(gateway: TestGateway, name: str) -> pb.VolumeSeen | None:
    newest = gateway.volumes[-1].volumes if gateway.volumes else ()
    return next((each for each in newest if each.name == name), None)


def test_it_is_told_refused_while_a_stopped_container_has_it_and_then_deleted(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any, volume: str, base_image: str
) -> None:
    gateway.protocol = VOLUMES_PROTOCOL
    gateway.disconnect()
    seen = gateway.until(lambda: told(gateway, volume), what="the volume")
    assert (seen.project_id, list(seen.used_by)) == (stack.project_id, [])
    assert seen.created_at_ms > 0
    user = f"axion-test-user-{uuid4().hex[:8]}"
    subprocess.run(
        ["docker", "create", "--name", user, "-v", f"{volume}:/x", base_image], check=True, capture_output=True
    )
    try:
        gateway.until(lambda: list(told(gateway, volume).used_by) == [user], what="who uses it")  # type: ignore[union-attr]
        refused = deploy(gateway, stack.delete_volume(volume))
        assert (refused.outcome, refused.reason) == (pb.FAILED, "in_use"), refused
        assert user in refused.message
        assert volume in names(engine, stack)
    finally:
        subprocess.run(["docker", "rm", user], check=True, capture_output=True)
    order = stack.delete_volume(volume)
    done = deploy(gateway, order)
    assert done.outcome == pb.SUCCEEDED, done
    assert volume not in names(engine, stack)
    gateway.until(lambda: told(gateway, volume) is None, what="that it is gone")
    # An order that is given again, as after a crash: gone is gone.
    again = deploy(gateway, stack.delete_volume(volume))
    assert again.outcome == pb.SUCCEEDED, again


def test_another_projects_volume_stays(
    agent: Agent, gateway: TestGateway, stack: Stack, engine: Any, volume: str
) -> None:
    order = stack.delete_volume(volume)
    order.project_id = "another"
    finished = deploy(gateway, order)
    assert (finished.outcome, finished.reason) == (pb.FAILED, "invalid")
    assert volume in names(engine, stack)
