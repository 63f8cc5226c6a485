"""A job by hand from REST to Docker: its output is kept, a cancel ends it, a lost agent leaves its outcome unknown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.docker_view import docker
from tests.e2e.graphs import node, server_code

pytestmark = [pytest.mark.docker, pytest.mark.slow]
# Says what it does, then ends or waits, as its variable tells; what it wrote to its volume tells how often it ran.
PROGRAM = """\
import os, pathlib, sys, time
runs = pathlib.Path("/data/runs")
with runs.open("a") as file:
    file.write("x")
print("run number", len(runs.read_text()), flush=True)
if "wait" in sys.argv:
    time.sleep(600)
"""


@pytest.fixture
def project(control_plane: ControlPlane, tmp_path: Path) -> Iterator[str]:
    """A service that stays, and two jobs by hand, which no deployment runs."""
    image = {"image": "python:3.13-slim", "run": "by-hand", "volume.data": "/data", "file./job.py": PROGRAM}
    graph = {
        "nodes": [
            node("web", config={"runtime": "python", "port": "8000", "healthPath": "/health"}),
            node("count", config={**image, "command": '["python", "/job.py"]'}),
            node("stay", config={**image, "command": '["python", "/job.py", "wait"]'}),
        ],
        "edges": [],
    }
    folder = write_project(tmp_path / "p", name="jobs by hand", graph=graph, code={"web": server_code(text="web")})
    made = control_plane.import_project(folder)
    first = control_plane.wait_for_end(control_plane.deploy(made))
    assert first["status"] == 3, first
    yield made
    control_plane.remove(made)


def run(plane: ControlPlane, project: str, job: str) -> str:
    body = {"serverId": str(plane.bootstrap["server"]), "serviceName": job}
    answer = plane.api(f"projects/{project}/restart", send=body)
    assert answer.status == 201, answer
    return str(answer.member("deployment")["id"])


def written(plane: ControlPlane, deployment: str) -> str:
    told = [each["payload"] for each in plane.events(deployment) if each["type"] == "deployment.log_written"]
    return "".join(str(each["text"]) for each in told)


def containers(project: str) -> dict[str, str]:
    """Service to container id, of those that run."""
    listed = docker("ps", "--no-trunc", "--filter", f"label=axion.project={project}", "--format", FORMAT)
    return dict(line.split() for line in listed.splitlines())


FORMAT = '{{.Label "axion.service"}} {{.ID}}'


def test_a_job_by_hand_is_told_kept_cancelled_and_never_run_twice(control_plane: ControlPlane, project: str) -> None:
    plane, before = control_plane, containers(project)
    assert before.keys() == {"web"}
    listed = plane.api(f"projects/{project}/jobs").member("data")["jobs"]
    assert [(each["name"], each["schedule"]) for each in listed] == [("count", ""), ("stay", "")], listed
    done = run(plane, project, "count")
    assert plane.wait_for_end(done)["status"] == 3
    assert "run number 1" in written(plane, done)
    assert containers(project) == before

    waits = run(plane, project, "stay")
    wait_for(lambda: "run number" in written(plane, waits), seconds=60, what="the job's output", details=plane.tails)
    assert containers(project).keys() == {"web", "stay"}
    assert plane.api(f"deployments/{waits}/cancel", send={}).status == 202
    cancelled = plane.wait_for_end(waits)
    assert cancelled["reason"] == "cancelled", cancelled
    assert containers(project) == before

    lost = run(plane, project, "stay")
    wait_for(lambda: "run number" in written(plane, lost), seconds=60, what="the job's output", details=plane.tails)
    plane.kill("runner")
    docker("rm", "--force", containers(project)["stay"])
    plane.restart("runner")
    unknown = plane.wait_for_end(lost)
    assert unknown["status"] in (4, 6), unknown
    assert "Outcome unknown" in unknown["errorMessage"], unknown
    assert containers(project) == before
    # Kept with the deployment, also after the agent was another process.
    assert "run number" in written(plane, lost)
