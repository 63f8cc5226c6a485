"""A small installation, `manage.py run`: what it weighs at rest, and how soon it and its parts serve."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from axion_deploy.demo.http import NoAnswer, ask
from axion_deploy.demo.processes import CONTROL_PLANE
from tests.bench.figures import Figure
from tests.e2e.control_plane import wait_for
from tests.e2e.small_plane import PARTS, SmallPlane

STARTS = 5
REST_SECONDS = 10.0
START_SECONDS = 60.0


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="axion-small-") as name:
        plane = SmallPlane(folder=Path(name))
        try:
            plane.start()
            wait_for(lambda: set(plane.pids()) == set(PARTS), seconds=START_SECONDS, what="all parts")
            time.sleep(REST_SECONDS)
            weight, processes = plane.memory_mib(), len(plane.pids()) + 1
            back = [_seconds_until_back(plane, part) for part in PARTS]
            starts = [_seconds_to_first_page(plane) for _ in range(STARTS)]
        finally:
            plane.stop()
    return [
        Figure(name=f"small installation at rest, {processes} processes", value=weight, unit="MiB", goal=250),
        Figure(name="small installation, start to the first page", value=statistics.median(starts), unit="s", goal=3.0),
        Figure(name="small installation, the slowest killed part is forked", value=max(back), unit="s", goal=2.0),
    ]


def _seconds_until_back(plane: SmallPlane, part: str) -> float:
    began = time.monotonic()
    plane.kill_part(part)
    return time.monotonic() - began


def _seconds_to_first_page(plane: SmallPlane) -> float:
    """Start anew, all of it; return when a person would see the page to sign in at."""
    plane.children[CONTROL_PLANE].stop(grace=START_SECONDS)
    began = time.monotonic()
    plane.restart(CONTROL_PLANE)
    wait_for(lambda: _shows_a_page(plane), seconds=START_SECONDS, what="the first page", pause=0.02)
    return time.monotonic() - began


def _shows_a_page(plane: SmallPlane) -> bool:
    try:
        return ask(f"{plane.addresses.url}/admin/login/").status == 200
    except NoAnswer:
        return False
