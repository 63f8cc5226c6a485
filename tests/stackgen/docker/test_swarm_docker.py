"""A generated stack deployed by `docker stack deploy` to a Swarm of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stackgen.results import StackOptions
from tests.servers.own_docker import missing
from tests.stackgen.docker.engine import MAX_IMAGES_SECONDS, ensure_images, needs_engine, run
from tests.stackgen.docker.stacks import CONNECT, NASTY_PASSWORD, Running, build_stack, unique_stack_name
from tests.stackgen.docker.swarm import Swarm, swarm
from tests.stackgen.graphs import DATABASE, GATEWAY, graph, node

pytestmark = [
    *needs_engine,
    pytest.mark.timeout(MAX_IMAGES_SECONDS),
    pytest.mark.skipif(bool(missing()), reason=f"an engine of one's own needs {missing()}"),
]
# The kernel of a test machine may lack what Swarm's virtual addresses and routing mesh need; users' defaults differ.
OPTIONS = StackOptions(engine="swarm", swarm_ports="host", swarm_endpoints="dnsrr", health_interval_seconds=1)
HEALTHY_SECONDS = 120
PORT = 8080
# Says who it is, what it was given, and whether the cache takes its password.
PROGRAM = """
import os, socket
from http.server import BaseHTTPRequestHandler, HTTPServer

def ping():
    password = os.environ["CACHE_PASSWORD"].encode()
    with socket.create_connection((os.environ["CACHE_HOST"], int(os.environ["CACHE_PORT"])), 2) as link:
        link.sendall(b"*2\\r\\n$4\\r\\nAUTH\\r\\n$%d\\r\\n%s\\r\\nPING\\r\\n" % (len(password), password))
        return link.makefile("rb").readline().decode().strip()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{os.environ['NAME']} {os.environ['GREETING']} {ping()}".encode())

HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""


def shop_graph(**gateway: str) -> dict[str, Any]:
    """A gateway to two callers of a cache, and a store that nobody but the first of them may reach."""
    callers = [node(name, port="8000", env__NAME=name) for name in ("api", "jobs")]
    return graph(
        node("edge", GATEWAY, port=str(PORT), **gateway),
        *callers,
        node("cache", DATABASE, databaseType="redis"),
        node("store", DATABASE, databaseType="valkey"),
        edges=["edge api", "edge jobs", "api cache", "jobs cache", "api store"],
    )


@dataclass(frozen=True)
class Deployed:
    swarm: Swarm
    stack: Running

    def deploy(self, stack: Running) -> None:
        # What `.env` is to Compose the environment of this command is to Swarm.
        command = ("stack", "deploy", "--resolve-image", "never", "--prune", "--compose-file", "docker-compose.yml")
        self.swarm.command(*command, self.stack.stack.name, folder=stack.folder, env=stack.values)

    def healthy(self) -> dict[str, str]:
        """Service name to the id of its healthy container."""
        found = self.swarm.command(
            "ps", "--filter", "health=healthy", "--format", '{{.Label "axion.service"}} {{.ID}}'
        ).splitlines()
        return dict(line.split() for line in found)

    def wait(self) -> dict[str, str]:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while (found := self.healthy()).keys() != set(self.stack.stack.names.values()):
            assert time.monotonic() < deadline, self.swarm.command("stack", "ps", "--no-trunc", self.stack.stack.name)
            time.sleep(0.2)
        return found


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    ensure_images("redis:8", "valkey/valkey:8", "caddy:2", "python:3.13-slim")
    code = tmp_path_factory.mktemp("code")
    (code / "main.py").write_text(PROGRAM)
    folder = tmp_path_factory.mktemp("swarm")
    stack = build_stack(shop_graph(), {"api": code, "jobs": code}, folder, unique_stack_name(), options=OPTIONS)
    with swarm() as own:
        images = {service.image for service in stack.stack.services}
        try:
            own.copy_images(*images)
        finally:
            built = [service.image for service in stack.stack.services if service.bundle_digest]
            run("docker", "image", "rm", "--force", *built, folder=folder)
        made = Deployed(own, stack)
        made.deploy(stack)
        yield made


def test_every_service_becomes_healthy_and_gets_its_secrets(deployed: Deployed) -> None:
    deployed.wait()
    assert deployed.swarm.get(f"http://127.0.0.1:{PORT}/") == "api it's $5 +OK"
    assert deployed.swarm.get(f"http://127.0.0.1:{PORT}/jobs/") == "jobs it's $5 +OK"
    assert not any(NASTY_PASSWORD in path.read_text() for path in deployed.stack.folder.iterdir() if path.is_file())


def test_what_is_on_the_cluster_bears_the_projects_name_and_label(deployed: Deployed) -> None:
    name = deployed.stack.stack.name
    for kind in ("service", "network", "volume", "config"):
        listed = deployed.swarm.command(kind, "ls", "--filter", "label=axion.project", "--format", "{{.Name}}").split()
        assert listed
        assert all(item.startswith(f"{name}_") for item in listed)


PORTS = {"cache": 6379, "store": 6379, "api": 8000, "jobs": 8000, "edge": PORT}


def test_each_reaches_exactly_whom_it_is_joined_with(deployed: Deployed) -> None:
    containers = deployed.wait()
    places: dict[str, list[str]] = {}
    for name, container in containers.items():
        told = json.loads(deployed.swarm.command("inspect", container))[0]["NetworkSettings"]["Networks"]
        found = {network["IPAddress"] for network in told.values()} - {""}
        places[name] = [f"{address},{PORTS[name]},{name}" for address in found]
    reached = {}
    for source in ("api", "jobs"):
        others = [place for name, found in places.items() if name != source for place in found]
        told = deployed.swarm.command("exec", containers[source], "python", "-c", CONNECT, *others)
        reached[source] = {place.rsplit(",", 1)[1] for place in told.split()}
    assert reached == {"api": {"edge", "cache", "store"}, "jobs": {"edge", "cache"}}


def test_a_new_route_replaces_the_gateway_only(deployed: Deployed, tmp_path: Path) -> None:
    before = deployed.wait()
    raw = shop_graph(route__jobs="/tasks")
    code = {name: deployed.stack.code[name] for name in ("api", "jobs")}
    again = build_stack(raw, code, tmp_path / "again", deployed.stack.stack.name, options=OPTIONS)
    run(
        "docker", "image", "rm", "--force", *{s.image for s in again.stack.services if s.bundle_digest}, folder=tmp_path
    )
    deployed.deploy(again)
    deadline = time.monotonic() + HEALTHY_SECONDS
    while deployed.healthy().get("edge") in {None, before["edge"]}:
        assert time.monotonic() < deadline, "the gateway is not replaced"
        time.sleep(0.2)
    assert deployed.swarm.get(f"http://127.0.0.1:{PORT}/tasks/") == "jobs it's $5 +OK"
    after = deployed.wait()
    assert {name for name in after if after[name] != before[name]} == {"edge"}
