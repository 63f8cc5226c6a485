"""A table of what people and programs do to containers, on a real engine: each is seen within seconds, its end, too.

What is told is held against what the deployment's proof saw, by the very comparison of the control plane.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

import pytest

from agents.contracts import runner_pb2 as pb
from deployments.rules.drift import MeantSetup, compare
from deployments.rules.observed import ObservedContainer
from tests.runner.observation.test_observer import Told, container, deployed, inspected, run

__all__ = ["deployed"]

pytestmark = pytest.mark.docker
HUNGRY = "kept = b'x' * (256 * 1024 * 1024)"


def meant(told: Told) -> list[MeantSetup]:
    return [
        MeantSetup(
            name=each.service_name,
            node_id=each.node_id,
            copies=each.replicas,
            image=each.image_digest,
            settings=dict(each.settings),
            shown=dict(each.shown),
        )
        for each in told.proven.values()
    ]


def observed(seen: pb.ContainerSeen) -> ObservedContainer:
    return ObservedContainer(
        id=seen.id,
        name=seen.name,
        service=seen.service_name,
        state=seen.state,
        health=seen.health,
        image=seen.image_id,
        stack=seen.stack_name,
        restarts_itself=seen.restarts_itself,
        settings=tuple(sorted(seen.settings.items())),
        shown=tuple(sorted(seen.shown.items())),
    )


def differences(told: Told) -> set[str]:
    found = compare(meant=meant(told), containers=[observed(each) for each in told.containers()])
    assert found.unknown == ()
    return {each.key for each in found.differences}


def sees(told: Told, *keys: str) -> None:
    """Within five seconds exactly this differs."""
    told.becomes(lambda: differences(told) == set(keys))


def labels_of(seen: pb.ContainerSeen, **others: str) -> list[str]:
    labels = {**inspected(seen)["Config"]["Labels"], **others}
    return [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]


@contextlib.contextmanager
def stranger(told: Told, service: str, image: str, *options: str, program: str) -> Iterator[None]:
    """A container with the labels of the stack that nobody deployed; gone afterwards."""
    name = f"{told.stack.name}-{service}-1"
    labels = labels_of(container(told, "web"), **{"com.docker.compose.service": service})
    run("run", "--detach", "--name", name, *labels, *options, image, "python", "-c", program)
    try:
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True, timeout=60)


def test_each_fault_is_seen_within_seconds_and_so_is_its_end(deployed: Told, base_image: str) -> None:
    told, web = deployed, container(deployed, "web")
    network = next(iter(inspected(web)["NetworkSettings"]["Networks"]))
    sees(told)
    table = [
        (("stop", "--time", "1", web.id), "web/state", ("start", web.id)),
        (("pause", web.id), "web/state", ("unpause", web.id)),
        (("rename", web.name, f"{web.name}-x"), "web/name", ("rename", f"{web.name}-x", web.name)),
        (("update", "--restart", "no", web.id), "web/restart", ("update", "--restart", "unless-stopped", web.id)),
        (("network", "disconnect", network, web.id), "web/networks", ("network", "connect", network, web.id)),
    ]
    for fault, difference, end in table:
        run(*fault)
        sees(told, difference)
        run(*end)
        sees(told)

    run("exec", web.id, "sh", "-c", "printf sick > /tmp/ready")
    told.becomes(lambda: container(told, "web").health == "unhealthy")
    run("exec", web.id, "sh", "-c", "printf healthy > /tmp/ready")
    told.becomes(lambda: container(told, "web").health == "healthy")
    sees(told)

    run("kill", web.id)
    told.becomes(lambda: container(told, "web").state != "running" or container(told, "web").restarts > 0)
    run("start", web.id)
    sees(told)


def test_programs_that_end_by_themselves_are_told_how(deployed: Told, base_image: str) -> None:
    with stranger(deployed, "loop", base_image, "--restart", "always", program="import sys; sys.exit(3)"):
        deployed.becomes(
            lambda: (seen := deployed.of("loop")) is not None and seen.restarts > 0 and seen.exit_code == 3
        )
        assert "loop/extra" in differences(deployed)
    sees(deployed)
    with stranger(deployed, "hungry", base_image, "--memory", "32m", "--memory-swap", "32m", program=HUNGRY):
        deployed.becomes(lambda: (seen := deployed.of("hungry")) is not None and seen.oom_killed)
    sees(deployed)


def test_what_was_changed_is_made_anew_and_differs_no_longer(deployed: Told, base_image: str) -> None:
    """A repair on a real engine: removed, recreated with another environment, limited, and a stranger beside it."""
    told, stack = deployed, deployed.stack
    web, worker = container(told, "web"), container(told, "worker")
    labels = labels_of(web)
    network = next(iter(inspected(web)["NetworkSettings"]["Networks"]))
    run("rm", "--force", web.id)
    sees(told, "web/missing")
    run("run", "--detach", "--name", web.name, "--network", network, "--restart", "unless-stopped", *labels,
        "--env", "PASSWORD=s3cret-value", web.image_id, "sleep", "600")  # fmt: skip
    run("update", "--cpu-shares", "512", worker.id)
    told.becomes(lambda: {"web/env", "web/command", "worker/limits"} <= differences(told))
    assert all(b"s3cret-value" not in each.SerializeToString() for each in told.containers())

    intruder = labels_of(container(told, "web"), **{"com.docker.compose.service": "intruder"})
    run("run", "--detach", "--name", f"{stack.name}-intruder-1", *intruder, base_image, "sleep", "600")
    told.becomes(lambda: "intruder/extra" in differences(told))

    before = container(told, "db").id
    command = stack.deploy(restarts=("web", "worker"))
    told.gateway.send(command)
    finished = told.gateway.finished(command.command_id, seconds=90)
    assert finished.outcome == pb.SUCCEEDED
    sees(told)
    assert container(told, "db").id == before, "exactly what differed was made anew"
    assert {each.service_name for each in finished.services if each.started} == {"web", "worker"}
