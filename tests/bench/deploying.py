"""A deployment against `docker compose up -d --wait` of the very same file, in interleaved pairs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agents.runner.docker.host import DockerHost
from agents.runner.docker.versions import START_INTERVAL_API
from tests.bench.figures import Figure, median_ratio, percentile
from tests.e2e.control_plane import ControlPlane, write_project
from tests.e2e.graphs import edge, node, server_code

PAIRS = 5
REPORT_SAMPLES = 20
MOST_SECONDS = 180.0


def compose_goal() -> float:
    """What a deployment may take of plain Compose's time: Docker from API 1.44 on can be told to look sooner."""
    return 0.45 if DockerHost().api_version() >= START_INTERVAL_API else 0.75


def four_services() -> dict[str, Any]:
    """Four services in three levels: a page that calls two services, which call one more."""
    nodes = [
        node(name, config={"runtime": "python", "port": "8000", "healthPath": "/health"})
        for name in ("page", "left", "right", "base")
    ]
    edges = [edge("page", "left"), edge("page", "right"), edge("left", "base"), edge("right", "base")]
    return {"nodes": nodes, "edges": edges}


@dataclass(frozen=True)
class Compose:
    """Plain Docker Compose on the generated file."""

    name: str
    file: Path
    env: Mapping[str, str]

    def run(self, *arguments: str) -> float:
        """Seconds that the command took. Raises when it fails."""
        began = time.perf_counter()
        subprocess.run(
            ["docker", "compose", "-p", self.name, "-f", str(self.file), *arguments],
            check=True,
            capture_output=True,
            timeout=MOST_SECONDS,
            env={**os.environ, **self.env},
        )
        return time.perf_counter() - began

    def up(self) -> float:
        return self.run("up", "-d", "--wait", "--no-build")

    def down(self) -> None:
        self.run("down", "--volumes", "--timeout", "2")


def deploy(plane: ControlPlane, project: str) -> float:
    """Seconds from the request to the stored success, as the database's own times tell."""
    ended = plane.wait_for_end(plane.deploy(project), seconds=MOST_SECONDS)
    if ended["status"] != 3:
        raise RuntimeError(f"The deployment ended as {ended['status']}: {ended['errorMessage']}\n{plane.tails()}")
    return float(ended["completedAt"] - ended["createdAt"]) / 1000


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on deploying and on redeploying. Leaves nothing running that would take time from later rows."""
    names = ("page", "left", "right", "base")
    code = {name: server_code(text=name) for name in names}
    project = plane.import_project(write_project(folder / "project", name="Bench", graph=four_services(), code=code))
    deploy(plane, project)
    compose = compose_of(plane, project, folder)
    fresh, unchanged = [], []
    for _ in range(PAIRS):
        compose.down()
        ours = deploy(plane, project)
        ours_again = deploy(plane, project)
        compose.down()
        theirs = compose.up()
        unchanged.append((ours_again, compose.up()))
        fresh.append((ours, theirs))
    reported = first_report(plane, project)
    plane.remove(project)
    return [
        Figure(name="deploy / docker compose up --wait", value=median_ratio(fresh), unit="ratio", goal=compose_goal()),
        Figure(name="redeploy, nothing changed / the same", value=median_ratio(unchanged), unit="ratio", goal=0.2),
        reported,
    ]


def compose_of(plane: ControlPlane, project: str, folder: Path) -> Compose:
    """The file that the last deployment applied, for plain Compose."""
    listed = plane.api(f"deployments?projectId={project}&limit=1")
    assert listed.data is not None
    deployment = plane.get(listed.data["data"]["deployments"][0]["id"])
    file = folder / "docker-compose.yml"
    file.write_text(deployment["config"]["dockerComposeYml"])
    name = str(yaml.safe_load(file.read_text())["name"])
    return Compose(name=name, file=file, env={})


def first_report(plane: ControlPlane, project: str) -> Figure:
    """From the accepted request to the first thing that the agent said about it, stored."""
    waits = []
    for _ in range(REPORT_SAMPLES):
        deployment = plane.deploy(project)
        plane.wait_for_end(deployment, seconds=MOST_SECONDS)
        events = plane.events(deployment)
        sent = next(event["sequence"] for event in events if event["type"] == "deployment.command_sent")
        # The event right after it is our own: the stage at the hand-over.
        first = next(event for event in events if event["sequence"] > sent + 1)
        waits.append(float(first["createdAt"] - events[0]["createdAt"]))
    return Figure(name="accepted request to first report, p95", value=percentile(waits, 0.95), unit="ms", goal=150)
