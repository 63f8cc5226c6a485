"""Going back: a rollback against plain Compose with the old file, and how long a cancel takes until it is proven."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

from tests.bench.deploying import MOST_SECONDS, Compose, compose_goal, compose_of, four_services
from tests.bench.figures import Figure, median_ratio
from tests.e2e.control_plane import ControlPlane, write_project
from tests.e2e.faults.holding import CANCEL_WINDOW
from tests.e2e.faults.scene import Scene
from tests.e2e.faults.stages import STAGES
from tests.e2e.graphs import node_id, server_code
from tests.e2e.holder import holding

PAIRS = 5
CANCELS = 3
NAMES = ("page", "left", "right", "base")
# The containers' own time to end, and five seconds for everything of ours.
CANCEL_GOAL_SECONDS = 15


def measure(plane: ControlPlane, folder: Path) -> list[Figure]:
    """The rows on rollbacks and on cancels."""
    return [*rollbacks(plane, folder), *cancels(plane, folder)]


def rollbacks(plane: ControlPlane, folder: Path) -> list[Figure]:
    """One service of four differs between the two versions, then all of them do."""
    goal = compose_goal()
    return [
        Figure(name=f"rollback, {len(changed)} of 4 changed / compose up", value=ratio, unit="ratio", goal=goal)
        for changed in (NAMES[3:], NAMES)
        for ratio in [rollback_ratio(plane, folder / f"changed-{len(changed)}", changed)]
    ]


def rollback_ratio(plane: ControlPlane, folder: Path, changed: tuple[str, ...]) -> float:
    name = f"Back {len(changed)}"
    code = {each: server_code(text=each) for each in NAMES}
    project = plane.import_project(write_project(folder / "project", name=name, graph=four_services(), code=code))
    old = plane.wait_for_end(plane.deploy(project), seconds=MOST_SECONDS)["id"]
    old_file = compose_of(plane, project, folder)
    for each in changed:
        plane.put_code(project, node_id(each), server_code(text=f"new {each}"))
    new = plane.wait_for_end(plane.deploy(project), seconds=MOST_SECONDS)["id"]
    (folder / "new").mkdir()
    # Beside ours, under a name of its own: one of the two would else replace the other's containers.
    files = [beside(each) for each in (old_file, compose_of(plane, project, folder / "new"))]
    files[1].up()
    pairs, running, versions = [], new, [old, new]
    for turn in range(PAIRS):
        running, ours = roll_back(plane, running, to=versions[turn % 2])
        pairs.append((ours, files[turn % 2].up()))
    files[0].down()
    plane.remove(project)
    return median_ratio(pairs)


def beside(compose: Compose) -> Compose:
    """The same file as another stack: its volumes and networks are named by the stack."""
    text = compose.file.read_text().replace(compose.name, f"{compose.name}-plain")
    # The images keep their names.
    compose.file.write_text(text.replace(f"/{compose.name}-plain-", f"/{compose.name}-"))
    return replace(compose, name=f"{compose.name}-plain")


def roll_back(plane: ControlPlane, running: str, *, to: str) -> tuple[str, float]:
    """The rollback, and the seconds from its request to its stored success."""
    answer = plane.api(f"deployments/{running}/rollback", send={"targetDeploymentId": to})
    if answer.status != 201:
        raise RuntimeError(f"The rollback was refused: {answer}")
    rollback = str(answer.member("deployment")["id"])
    ended = plane.wait_for_end(rollback, seconds=MOST_SECONDS)
    if ended["status"] != 3:
        raise RuntimeError(f"The rollback ended as {ended['status']}: {ended['errorMessage']}\n{plane.tails()}")
    return rollback, float(ended["completedAt"] - ended["createdAt"]) / 1000


def cancels(plane: ControlPlane, folder: Path) -> list[Figure]:
    """By stage: from the request to the stored proof that the work stopped and the former stack is back."""
    figures = []
    for stage in STAGES:
        with holding() as holder:
            scene = Scene(plane=plane, stage=stage, folder=folder / "cancels", holder=holder)
            took = statistics.median(cancel_seconds(plane, scene) for _ in range(CANCELS))
            plane.remove(scene.project)
        figures.append(Figure(name=f"cancel while {stage.name}", value=took, unit="s", goal=CANCEL_GOAL_SECONDS))
    return figures


def cancel_seconds(plane: ControlPlane, scene: Scene) -> float:
    scene.begin(window=CANCEL_WINDOW)
    scene.wait_until_there()
    scene.cancel()
    scene.end()
    events = plane.events(scene.deployment)
    asked = next(event for event in events if event["type"] == "deployment.cancel_requested")
    proven = [event for event in events if event["type"] == "deployment.status_changed"][-1]
    return float(proven["createdAt"] - asked["createdAt"]) / 1000
