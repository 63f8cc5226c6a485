"""What Docker itself says: the only witness these tests believe."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any

from docker import APIClient
from docker.errors import APIError
from docker.utils import kwargs_from_env

from tests.docker_events import heard_starts

REMOVAL_ROUNDS = 5


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


def containers(project: str) -> dict[str, dict[str, Any]]:
    """Container details by service, stopped ones too. Fails when a service has more than one."""
    ids = docker("ps", "-aq", "--filter", f"label=axion.project={project}").split()
    found = json.loads(docker("inspect", *ids)) if ids else []
    by_service = {each["Config"]["Labels"]["axion.service"]: each for each in found}
    assert len(by_service) == len(found), [each["Name"] for each in found]
    return by_service


def said(project: str, service: str) -> str:
    """What the service's container has written so far, both streams."""
    ran = subprocess.run(
        ["docker", "logs", containers(project)[service]["Id"]], capture_output=True, text=True, timeout=60, check=True
    )
    return ran.stdout + ran.stderr


def leftovers(project: str) -> dict[str, list[str]]:
    """Containers, networks and volumes of the project."""
    label = f"label=axion.project={project}"
    return {
        "containers": docker("ps", "-aq", "--filter", label).split(),
        "networks": docker("network", "ls", "-q", "--filter", label).split(),
        "volumes": docker("volume", "ls", "-q", "--filter", label).split(),
    }


def remove_all_of(project: str) -> None:
    """Take everything with the project's label off the host; fails when something stays.

    Over the engine's interface: a dozen calls of Docker's command take a second more. In rounds, as an engine that was
    just building or starting may add something after a look.
    """
    with closing(APIClient(version="auto", **kwargs_from_env())) as engine, ThreadPoolExecutor(8) as pool:
        for _ in range(REMOVAL_ROUNDS):
            removals = _removals(engine, filters={"label": f"axion.project={project}"})
            if not any(removals):
                return
            for each in removals:
                list(pool.map(_done_or_refused, each))
    raise AssertionError(f"Docker did not remove everything of {project}: {removals}")


def _removals(engine: APIClient, *, filters: dict[str, str]) -> list[list[Callable[[], object]]]:
    """Return what removes each thing, those first that hold others."""
    volumes = engine.volumes(filters=filters)["Volumes"] or ()
    return [
        [
            partial(engine.remove_container, each["Id"], force=True, v=True)
            for each in engine.containers(all=True, filters=filters)
        ],
        [partial(engine.remove_network, each["Id"]) for each in engine.networks(filters=filters)],
        [partial(engine.remove_volume, each["Name"], force=True) for each in volumes],
        [partial(engine.remove_image, each["Id"], force=True) for each in engine.images(filters=filters)],
    ]


def _done_or_refused(removal: Callable[[], object]) -> None:
    """What is refused now is found again by the next round."""
    with suppress(APIError):
        removal()


@contextmanager
def counted_starts(project: str) -> Iterator[Callable[[], Counter[str]]]:
    """Listen to Docker while the block runs: how often each service's containers were started."""
    with heard_starts(label=f"axion.project={project}") as heard:
        yield lambda: Counter(each["axion.service"] for each in heard())
