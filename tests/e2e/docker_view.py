"""What Docker itself says: the only witness these tests believe."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.docker_events import heard_starts


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


@contextmanager
def counted_starts(project: str) -> Iterator[Callable[[], Counter[str]]]:
    """Listen to Docker while the block runs: how often each service's containers were started."""
    with heard_starts(label=f"axion.project={project}") as heard:
        yield lambda: Counter(each["axion.service"] for each in heard())
