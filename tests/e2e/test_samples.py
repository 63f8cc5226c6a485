"""Public Compose files really run: imported, deployed, asked over HTTP, written to, changed, rolled back, data there.

`COMPOSE_SAMPLES=FOLDER` names a folder with the public samples: the ten of SAMPLES run then too, in seven minutes.
Without it one file of our own runs. Images that cannot be pulled here, and programs whose code is not at hand, are
stand-ins: of databases the usual ones, of programs one that answers at the port.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from axion_deploy.embedded.ports import free_port
from tests.e2e.chain import read
from tests.e2e.control_plane import ControlPlane, wait_for
from tests.e2e.docker_view import containers, docker
from tests.stackgen.docker.engine import ensure_images

pytestmark = [pytest.mark.docker, pytest.mark.slow]
FOLDER = os.environ.get("COMPOSE_SAMPLES", "")
OWN = """\
services:
  web:
    build: .
    ports: ["8000:8000"]
    depends_on: [db]
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: only-here-4711, POSTGRES_USER: shop, POSTGRES_DB: shop}
    volumes: ["data:/var/lib/postgresql/data"]
volumes: {data: }
"""
PROGRAM = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = f"{os.environ.get('CHANGED', 'first')}"
        self.send_response(200); self.end_headers(); self.wfile.write(text.encode())
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("", int(os.environ["STANDIN_PORT"])), Handler).serve_forever()
"""
# Whichever stage a sample builds, it is this program.
DOCKERFILE = """\
FROM python:3.13-slim AS builder
COPY app.py /app.py
ENV STANDIN_PORT={port}
CMD ["python", "/app.py"]
FROM builder AS development
FROM development
"""
PASSWORD_FILE = {"db/password.txt": "only-here-4711"}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`web` answers at `port` of its container; `data` is the database's service, or the path of the web's volume."""

    web: str
    port: int
    data: str = ""
    # Images of servers, pulled or built as stand-ins; and those whose stand-in is the program, with its port.
    servers: tuple[str, ...] = ()
    programs: Mapping[str, int] = field(default_factory=dict)
    # Other files that the sample names; of the public ones only the Compose files are at hand.
    files: Mapping[str, str] = field(default_factory=dict)


SAMPLES: dict[str, Sample] = {
    "gitea-postgres.yaml": Sample(
        web="gitea",
        port=3000,
        data="/data",
        programs={"gitea/gitea:latest": 3000},
        servers=("postgres:alpine",),
    ),
    "nextcloud-postgres.yaml": Sample(
        web="nc",
        port=80,
        data="db",
        programs={"nextcloud:apache": 80},
        servers=("postgres:alpine",),
    ),
    "nextcloud-redis-mariadb.yaml": Sample(
        web="nc",
        port=80,
        data="db",
        programs={"nextcloud:apache": 80},
        servers=(
            "mariadb:10.5",
            "redis:alpine",
        ),
    ),
    "nginx-flask-mysql.yaml": Sample(
        web="proxy", port=80, data="db", servers=("mariadb:10-focal",), files=PASSWORD_FILE
    ),
    "nginx-golang-postgres.yaml": Sample(
        web="proxy",
        port=80,
        data="db",
        programs={"nginx:latest": 80},
        servers=("postgres:latest",),
        files={**PASSWORD_FILE, "proxy/nginx.conf": "# read by nobody here\n"},
    ),
    "react-java-mysql.yaml": Sample(
        web="frontend", port=3000, data="db", servers=("mariadb:10.6.4-focal",), files=PASSWORD_FILE
    ),
    "react-rust-postgres.yaml": Sample(web="frontend", port=3000, data="db", servers=("postgres:12-alpine",)),
    "sparkjava-mysql.yaml": Sample(
        web="backend", port=8080, data="db", servers=("mariadb:10.6.4-focal",), files=PASSWORD_FILE
    ),
    "spring-postgres.yaml": Sample(
        web="backend", port=8080, data="db", servers=("postgres:latest",), files=PASSWORD_FILE
    ),
    "wordpress-mysql.yaml": Sample(
        web="wordpress",
        port=80,
        data="db",
        programs={"wordpress:latest": 80},
        servers=("mariadb:10.6.4-focal",),
    ),
}
CHOSEN = {"own": Sample(web="web", port=8000, data="db"), **(SAMPLES if FOLDER else {})}


@dataclass
class Running:
    plane: ControlPlane
    project: str
    sample: Sample
    url: str
    graph: dict[str, Any]

    def deploy(self) -> dict[str, Any]:
        ended = self.plane.wait_for_end(self.plane.deploy(self.project), seconds=180)
        assert ended["status"] == 3, json.dumps(dict(ended))
        return ended

    def run(self, *words: str) -> str:
        return docker("exec", containers(self.project)[self._holder]["Id"], *words).strip()

    @property
    def _holder(self) -> str:
        return self.sample.web if self.sample.data.startswith("/") else self.sample.data

    def write(self) -> None:
        """Something that only data which stays can have later."""
        if self.sample.data.startswith("/"):
            self.run("sh", "-c", f"echo kept > {self.sample.data}/kept")
        elif self.sample.data:
            self.run("sh", "-c", f"{self._client()} 'CREATE TABLE kept (word varchar(9))'")
            self.run("sh", "-c", f"{self._client()} \"INSERT INTO kept VALUES ('kept')\"")

    def written(self) -> str:
        if self.sample.data.startswith("/"):
            return self.run("cat", f"{self.sample.data}/kept")
        return "kept" if "kept" in self.run("sh", "-c", f"{self._client()} 'SELECT word FROM kept'") else ""

    def _client(self) -> str:
        if "mariadb" in containers(self.project)[self._holder]["Config"]["Image"]:
            user = '-u"${MARIADB_USER:-root}" -p"${MARIADB_PASSWORD:-$MARIADB_ROOT_PASSWORD}"'
            return f'mariadb -h127.0.0.1 {user} "$MARIADB_DATABASE" -e'
        return 'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c'


def provide(sample: Sample, folder: Path) -> list[str]:
    """Have the images here; returns those that were not."""
    wanted = ("python:3.13-slim", *sample.servers, *sample.programs)
    missing = [image for image in wanted if not docker("images", "--quiet", image).strip()]
    ensure_images("python:3.13-slim", *sample.servers)
    for image, port in sample.programs.items():
        if image in missing:
            (folder / "app.py").write_text(PROGRAM)
            (folder / "Dockerfile").write_text(DOCKERFILE.format(port=port))
            subprocess.run(["docker", "build", "-q", "-t", image, str(folder)], check=True, capture_output=True)
    return [image for image in missing if image != "python:3.13-slim"]


def with_free_ports(graph: dict[str, Any], sample: Sample) -> int:
    """Give each port of the host a free one; returns that of the web's port."""
    found = 0
    for each in graph["nodes"]:
        config = each["data"]["config"]
        config.pop("hostPort", None)
        config.pop("ports", None)
        if each["data"]["serviceName"] == sample.web:
            found = free_port()
            config["ports"] = f"127.0.0.1:{found}:{sample.port}"
    return found


@pytest.fixture(params=CHOSEN)
def running(control_plane: ControlPlane, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    name, sample, plane = request.param, CHOSEN[request.param], control_plane
    made = provide(sample, tmp_path)
    text = OWN if name == "own" else (Path(FOLDER) / name).read_text()
    project = str(plane.api("projects", send={"name": f"sample {name}"}).member("project")["id"])
    plane.projects.append(project)
    named = {"compose.yml": text, **sample.files}
    sent = [{"name": each, "content": content} for each, content in named.items()]
    imported = put(plane, f"projects/{project}/compose", {"files": sent})
    for node in imported["data"]["code"]:
        files = {"app.py": PROGRAM, "Dockerfile": DOCKERFILE.format(port=sample.port)}
        plane.put_code(project, node, files)
    graph = plane.api(f"projects/{project}/graph").member("data")["graph"]["graph"]
    port = with_free_ports(graph, sample)
    plane.put_graph(project, graph)
    try:
        yield Running(plane=plane, project=project, sample=sample, url=f"http://127.0.0.1:{port}/", graph=graph)
    finally:
        plane.remove(project)
        for image in made:
            docker("rmi", image)


def put(plane: ControlPlane, path: str, body: object) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{plane.addresses.url}/api/{path}",
        data=json.dumps(body).encode(),
        method="PUT",
        headers={"Authorization": f"Token {plane.bootstrap['api_token']}", "Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
        answered: dict[str, Any] = json.load(response)
        return answered


def test_it_runs_is_changed_and_rolled_back_with_its_data(running: Running) -> None:
    running.deploy()
    wait_for(lambda: read(running.url) == "first", seconds=60, what="its answer", details=running.plane.tails)
    running.write()
    web = next(each for each in running.graph["nodes"] if each["data"]["serviceName"] == running.sample.web)
    web["data"]["config"]["env.CHANGED"] = "second"
    running.plane.put_graph(running.project, running.graph)
    changed = running.deploy()
    wait_for(lambda: read(running.url) == "second", seconds=60, what="the change", details=running.plane.tails)
    if running.sample.data:
        assert running.written() == "kept"
    back = running.plane.api(f"deployments/{changed['id']}/rollback", send={})
    assert back.status == 201, back
    ended = running.plane.wait_for_end(str(back.member("deployment")["id"]), seconds=180)
    assert ended["status"] == 3, ended
    wait_for(lambda: read(running.url) == "first", seconds=60, what="what was before", details=running.plane.tails)
    if running.sample.data:
        assert running.written() == "kept"
