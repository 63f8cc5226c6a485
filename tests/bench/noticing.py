"""How soon an open page knows what happens on a host, and how long a search through what a container wrote takes."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import docker

from tests.bench.figures import Figure, percentile
from tests.e2e.control_plane import ControlPlane, write_project
from tests.e2e.graphs import node
from tests.e2e.observing.page import Page

EVENTS = 20
# So long that a change is one of its own, and no part of the look before it.
PAUSE_SECONDS = 2.0
SEARCHES = 5
MIB = 1024 * 1024
LOG_BYTES = 30 * MIB
NEEDLE = "the needle of the bench"
WRITE = """
import sys
out = open("/proc/1/fd/1", "w")
size, number, told = 0, 0, False
while size < int(sys.argv[1]):
    line = f"{number} GET /articles/{number % 977} 200 {'x' * 60}\\n"
    number, size = number + 1, size + len(line)
    out.write(line)
    # Among the newest: the engine keeps only so much of what a container writes.
    if not told and size > 0.9 * int(sys.argv[1]):
        told = bool(out.write(sys.argv[2] + "\\n"))
"""


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on what is seen and read of a host, on a stack of one container."""
    config = {"image": "python:3.13-slim", "command": "sleep infinity", "init": "true"}
    graph: dict[str, Any] = {"nodes": [node("seen", config=config)], "edges": []}
    project = plane.import_project(write_project(folder / "seen", name="Seen", graph=graph, code={}))
    ended = plane.wait_for_end(plane.deploy(project))
    if ended["status"] != 3:
        raise RuntimeError(ended)
    engine = docker.from_env()
    (container,) = engine.containers.list(filters={"label": f"axion.project={project}"})
    page = Page(plane=plane, project=project)
    try:
        waits = noticed(page, container)
        searches = searched(plane, project, str(container.id))
    finally:
        page.close()
        engine.close()
        plane.remove(project)
    return [
        Figure(name="change on the host to the open page, p95", value=percentile(waits, 0.95), unit="s", goal=1.0),
        Figure(name="search through 30 MiB of a container, p95", value=percentile(searches, 0.95), unit="s", goal=1.0),
    ]


def noticed(page: Page, container: Any) -> list[float]:
    """Pause and wake the container again and again; seconds from the call to the page's message."""
    page.becomes(page.is_well, what="that it runs")
    waits = []
    for number in range(EVENTS):
        time.sleep(PAUSE_SECONDS)
        state, act = ("running", container.unpause) if number % 2 else ("paused", container.pause)
        began = time.monotonic()
        act()
        waits.append(page.becomes(partial(_is, page, state), what=state) - began)
    return waits


def _is(page: Page, state: str) -> bool:
    return page.state("seen") == state


def searched(plane: ControlPlane, project: str, container_id: str) -> list[float]:
    """Let the container write, then search over REST; seconds of each answer."""
    command = ["docker", "exec", container_id, "python", "-c", WRITE, str(LOG_BYTES), NEEDLE]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    took = []
    for _ in range(SEARCHES):
        began = time.monotonic()
        answer = plane.api(f"projects/{project}/logs?search={NEEDLE.replace(' ', '%20')}")
        took.append(time.monotonic() - began)
        if NEEDLE not in str(answer.data):
            raise RuntimeError(answer)
    return took
