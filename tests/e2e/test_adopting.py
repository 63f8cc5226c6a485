"""Containers that ran before us become a project: looked at, tried in vain, put back, taken over, with their data."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker as docker_library
import pytest

from axion_deploy.embedded.ports import free_port
from tests.e2e.chain import read
from tests.e2e.control_plane import ControlPlane, wait_for
from tests.e2e.graphs import QUICK_HEALTH, SOON_UNHEALTHY

pytestmark = [pytest.mark.docker, pytest.mark.slow]
SECRET = f"only-in-the-container-{uuid4().hex}"
# Writes down when it finds the data open in another program.
PROGRAM = """\
import http.server, os, pathlib, signal, sys, threading
data = pathlib.Path("/data")
if (data / "open").exists():
    (data / "twice").touch()
(data / "open").touch()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/visit":
            with (data / "visits").open("a") as file:
                file.write("x")
        visits = (data / "visits").read_text() if (data / "visits").exists() else ""
        text = f"{len(visits)} {os.environ.get('PASSWORD')} {(data / 'twice').exists()}"
        self.send_response(503 if self.path == "/sick" else 200); self.end_headers(); self.wfile.write(text.encode())
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("", 8000), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
(data / "open").unlink()
"""


@dataclass(frozen=True)
class Before:
    """A Compose project that somebody started by hand."""

    name: str
    folder: Path
    url: str

    def compose(self, *words: str) -> None:
        command = ["docker", "compose", "--project-name", self.name, *words]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def container(self) -> dict[str, Any]:
        client = docker_library.from_env()
        try:
            found: dict[str, Any] = client.containers.get(f"{self.name}-counter-1").attrs
            return found
        finally:
            client.close()


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Before]:
    name, port = f"axion-before-{uuid4().hex[:8]}", free_port()
    service = {
        "image": "python:3.13-slim",
        "command": ["python", "-c", PROGRAM.replace("$", "$$")],
        "init": True,
        "restart": "always",
        "environment": {"PASSWORD": SECRET, "MODE": "plain"},
        "ports": [f"127.0.0.1:{port}:8000"],
        "volumes": ["counts:/data"],
    }
    (tmp_path / "compose.yaml").write_text(json.dumps({"services": {"counter": service}, "volumes": {"counts": {}}}))
    started = Before(name=name, folder=tmp_path, url=f"http://127.0.0.1:{port}/")
    started.compose("up", "--detach")
    wait_for(lambda: read(started.url).startswith("0 "), seconds=60, what="the containers of before")
    yield started
    started.compose("down", "--volumes", "--remove-orphans")


def inspected(plane: ControlPlane, server: str) -> dict[str, Any]:
    """What the agent tells when it is asked now."""
    asked = plane.api(f"servers/{server}/containers", send={})
    assert asked.status == 202, asked
    found: dict[str, Any] = {}

    def told() -> bool:
        answer = plane.api(f"servers/{server}/containers")
        found.update(answer.member("data"))
        return bool(found["inspection"]["state"] != "asked")

    wait_for(told, seconds=60, what="what the agent tells", details=plane.tails)
    assert found["inspection"]["state"] == "described", found
    return found


def adopted(plane: ControlPlane, server: str, before: Before) -> str:
    """The id of a project that was made of what runs, after a look at what becomes of it."""
    found = inspected(plane, server)
    group = next(each for each in found["groups"] if each["name"] == before.name)
    assert [each["volumes"] for each in group["containers"]] == [[f"{before.name}_counts"]]
    body = {"inspectionId": found["inspection"]["id"], "groups": [group["key"]]}
    looked = plane.api(f"servers/{server}/containers/adopt", send={**body, "preview": True})
    assert looked.status == 200, looked
    lines = looked.member("data")["adoption"]["lines"]
    assert [line["text"] for line in lines if line["outcome"] == "not kept"] == []
    made = plane.api(f"servers/{server}/containers/adopt", send={**body, "name": before.name})
    assert made.status == 201, made
    assert SECRET not in json.dumps([found, lines, made.data])
    project = str(made.member("data")["adoption"]["projectId"])
    plane.projects.append(project)
    return project


def test_what_ran_before_is_put_back_when_it_fails_and_taken_over_with_its_data(
    control_plane: ControlPlane, before: Before
) -> None:
    plane, server = control_plane, str(control_plane.bootstrap["server"])
    read(f"{before.url}visit")
    old = before.container()
    project = adopted(plane, server, before)
    # Neither the graph nor anything in the database has the value in clear; what was told is wiped.
    graph = plane.api(f"projects/{project}/graph").member("data")["graph"]["graph"]
    config = graph["nodes"][0]["data"]["config"]
    assert config["volumeName.counts"] == f"{before.name}_counts" or f"{before.name}_counts" in config.values(), config
    assert SECRET not in json.dumps(graph)
    assert plane.sql("SELECT sealed, state FROM adoptions WHERE project_id = %s", project) == [("", "planned")]

    asked = {**config, "port": "8000", **QUICK_HEALTH}
    graph["nodes"][0]["data"]["config"] = {**asked, "healthPath": "/sick", **SOON_UNHEALTHY}
    plane.put_graph(project, graph)
    planned = plane.api(f"projects/{project}/plan", send={"serverId": server})
    assert f"{before.name}-counter-1" in json.dumps(planned.data), planned
    failed = plane.wait_for_end(plane.deploy(project))
    assert failed["status"] == 4, failed
    assert f"What it had taken over runs again: {before.name}-counter-1" in failed["errorMessage"], failed
    back = before.container()
    assert (back["Id"], back["State"]["Running"]) == (old["Id"], True)
    assert back["HostConfig"]["RestartPolicy"] == old["HostConfig"]["RestartPolicy"]
    wait_for(lambda: read(before.url) == f"1 {SECRET} False", seconds=30, what="what ran before")

    graph["nodes"][0]["data"]["config"] = {**asked, "healthPath": "/"}
    plane.put_graph(project, graph)
    taken = plane.wait_for_end(plane.deploy(project))
    assert taken["status"] == 3, taken
    stopped = before.container()
    assert (stopped["Id"], stopped["State"]["Running"]) == (old["Id"], False)
    assert stopped["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
    wait_for(lambda: read(f"{before.url}visit") == f"2 {SECRET} False", seconds=30, what="the data of before")
    assert plane.sql("SELECT state FROM adoptions WHERE project_id = %s", project) == [("taken",)]

    # What was taken over is the project's own from then on.
    graph["nodes"][0]["data"]["config"]["env.MORE"] = "1"
    plane.put_graph(project, graph)
    again = plane.wait_for_end(plane.deploy(project))
    assert again["status"] == 3, again
    wait_for(lambda: read(before.url) == f"2 {SECRET} False", seconds=30, what="the same data again")
    for line in plane.events(taken["id"]):
        assert SECRET not in json.dumps(line)
    assert SECRET not in "".join(file.read_text(errors="replace") for file in plane.folder.glob("*.log"))
