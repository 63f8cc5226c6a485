"""Resident memory at rest."""

from __future__ import annotations

import time

import psutil

from tests.bench.figures import Figure
from tests.e2e.control_plane import ControlPlane

REST_SECONDS = 5.0
MIB = 1024 * 1024
CONTROL_PLANE = ("web", "worker", "gateway", "publisher", "reconciler")


def resident(pid: int | None) -> float:
    """MiB of a process and of what it started."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return float(sum(each.memory_info().rss for each in family)) / MIB


def measure(plane: ControlPlane) -> list[Figure]:
    """After a pause, so that what the deployments left behind has settled."""
    time.sleep(REST_SECONDS)
    whole = sum(resident(plane.children[name].pid) for name in CONTROL_PLANE)
    return [
        Figure(name="runner, resident", value=resident(plane.children["runner"].pid), unit="MiB", goal=60),
        Figure(name="control plane, resident", value=whole, unit="MiB", goal=700),
    ]


def consumer(plane: ControlPlane) -> Figure:
    """After requests. Beside the control plane: only who asks over Kafka needs it."""
    time.sleep(REST_SECONDS)
    return Figure(name="consumer, resident", value=resident(plane.children["consumer"].pid), unit="MiB", goal=150)
