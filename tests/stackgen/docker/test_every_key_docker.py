"""A real start for every key of a node's config: what Docker says the container has is what the graph says."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from axion_deploy.embedded.ports import free_port
from stackgen.code.bundle import read_directory
from stackgen.graph.reader import parse_graph
from stackgen.graph.secrets import split_secrets
from stackgen.keys.catalogue import KEYS
from stackgen.parts.variables import resolve
from stackgen.stack import generate
from tests.docs.building import ROOT
from tests.stackgen.docker import test_keys_docker
from tests.stackgen.docker.engine import ensure_images, needs_compose, run, write_files
from tests.stackgen.docker.stacks import NASTY_PASSWORD, QUICK, Running, unique_stack_name
from tests.stackgen.graphs import DATABASE, GATEWAY, graph, node

pytestmark = [pytest.mark.docker, needs_compose]
BASE = "python:3.13-slim"
# Answers with the path and the name that it was asked for.
PROGRAM = """\
import http.server, os
class Asked(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{os.environ['ME']} {self.path} {self.headers['Host']}".encode())
        print(self.path, self.headers["Host"], flush=True)
http.server.HTTPServer(("", int(os.environ["PORT"])), Asked).serve_forever()
"""
DOCKERFILE = f"""\
FROM {BASE} AS wanted
ARG WORD
RUN --mount=type=secret,id=token echo "$WORD $(wc -c < /run/secrets/token)" > /built
COPY here /here
CMD ["sleep", "600"]
FROM wanted
RUN false
"""
SERVER = {
    "image": BASE, "command": "python /srv/app.py", "file./srv/app.py": PROGRAM, "port": "8000",
    "stopGraceSeconds": "2", "healthInterval": "1",
}  # fmt: skip
RICH = {
    **SERVER, "healthPath": "/well", "healthHost": "asked.example.org", "healthTimeout": "2", "connectionName": "front",
    "cpu": "0.5", "memory": "96M", "cpuReservation": "0.1", "memoryReservation": "32M", "processes": "64",
    "env.ME": "rich", "env.GIVEN": "it's $5 # \"x\"", "secret.TOKEN": "", "secret.LOCKED": "", "logDriver": "local",
    "log.max-file": "2", "tty": "true", "stdinOpen": "true", "dns": "10.0.0.53", "dnsSearch": "inside.example.org",
    "platform": "linux/amd64", "secretFile./run/told": "LOCKED", "domain": "shop.example.org",
}  # fmt: skip
SIDE = {**SERVER, "healthPath": "/", "env.ME": "side", "path": "/side", "stripPrefix": "false"}
FREE = {
    "image": BASE, "command": "sleep 600", "hostPath./host": "/etc:ro", "volume.old": "/old",
    "pid": "host", "ipc": "host", "devices": "/dev/null:/dev/other:r", "securityOpt": "seccomp:unconfined",
    "stopGraceSeconds": "1",
}  # fmt: skip
BUILT = {
    "runtime": "dockerfile", "buildFolder": "part", "dockerfile": "Dockerfile.own", "buildTarget": "wanted",
    "buildArg.WORD": "$word", "buildSecret.token": "GREETING", "replicas": "2", "stopGraceSeconds": "1",
}  # fmt: skip
ELSEWHERE = {"external": "true", "host": "api.example.org", "scheme": "https", "port": "8443"}
STORE = {
    "databaseType": "postgresql", "image": "postgres:17", "databaseVersion": "17", "database": "shop-1",
    "user": "shop_1", "password": "", "runAs": "postgres", "stopGraceSeconds": "2", "healthInterval": "1",
    "databases": "orders", "extensions": "pg_trgm",
}  # fmt: skip
HERE = {
    "domain", "path", "stripPrefix", "hostPort", "ports", "volumeName.", "gateway", "route.",
    *(re.sub(r"\..*", ".", key) for part in (RICH, SIDE, FREE, BUILT, ELSEWHERE, STORE) for key in part),
    *(re.sub(r"\..*", ".", key) for part in (test_keys_docker.WEB, test_keys_docker.OTHER) for key in part),
}  # fmt: skip
# What an agent runs, or a Swarm: the file where that happens for real, and a word of it.
STARTED_IN = {
    "run": ("tests/e2e/test_jobs_by_hand.py", '"run": "by-hand"'),
    "repeatable": ("tests/runner/commands/test_jobs.py", "repeatable"),
    "jobTimeoutSeconds": ("tests/runner/commands/test_jobs.py", "timeout=1"),
    "schedule": ("tests/runner/schedules/test_scheduler.py", "schedule"),
    "overlap": ("tests/runner/schedules/test_scheduler.py", "overlap"),
    "placement": ("tests/runner/swarm/test_swarm_deploy.py", "placement"),
    "spa": ("tests/golden/runtimes/graph.json", '"spa"'),
}
WITHOUT_START = {
    "timeZone": "it says when, not how: tests/runner/schedules/test_rules.py holds it by the clock",
    "privileged": "an engine that is itself in a container may not give all rights away; read by Compose as gpus is",
    "gpus": "no machine of ours has one; Compose reads it in tests/stackgen/test_properties.py",
    "replicaSet": "MongoDB's image is in no package; its command and health check are read by Node.js where it can be",
}


@dataclass
class Started:
    running: Running
    inspected: dict[str, dict[str, Any]]
    ports: tuple[int, int, int]
    volume: str

    def host(self, service: str) -> dict[str, Any]:
        found = self.inspected[service]["HostConfig"]
        assert isinstance(found, dict)
        return found

    def given(self, service: str) -> dict[str, str]:
        return dict(text.split("=", 1) for text in self.inspected[service]["Config"]["Env"])

    def said(self, service: str, *words: str) -> str:
        return self.running.compose("exec", "-T", service, *words).strip()


def written(folder: Path, ports: tuple[int, int, int], volume: str) -> Running:
    """Return a stack that is ready to be built and started by Compose alone, from its own folder."""
    part = folder / "code" / "built" / "part"
    part.mkdir(parents=True)
    (part / "Dockerfile.own").write_text(DOCKERFILE)
    (part / "here").write_text("")
    raw = graph(
        node(
            "rich",
            id="r",
            **{**RICH, "hostPort": str(ports[0]), "ports": f"127.0.0.1:{ports[1]}:8000, 127.0.0.1::8000 8000"},
        ),
        node("side", id="s", **SIDE),
        node("free", id="f", **{**FREE, "volumeName.old": volume}),
        node("built", id="b", **BUILT),
        node("away", id="x", **ELSEWHERE),
        node("store", DATABASE, id="d", **STORE),
        node("gate", GATEWAY, id="g", port="8080", hostPort=str(ports[2]), gateway="caddy", route__rich="/routed"),
        edges=["r x", "b r", "r d", "g r", "g s"],
    )
    stack = generate(
        graph=parse_graph(split_secrets(raw).graph),
        stack_name=unique_stack_name(),
        project_id="test-stackgen",
        code={"b": read_directory(folder / "code" / "built")},
        env_names=["GREETING"],
        options=QUICK,
    )
    secrets = {each.key: NASTY_PASSWORD for each in stack.variables if each.source == "secret"}
    write_files(stack, folder)
    (folder / ".env").unlink()
    values = resolve(stack=stack, env={"GREETING": "12345"}, secrets=secrets)
    return Running(stack=stack, folder=folder, code={}, values=values)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    ensure_images(BASE, "caddy:2", "postgres:17")
    folder, volume = tmp_path_factory.mktemp("every"), f"axion-sg-{uuid4().hex[:8]}"
    ports = free_port(), free_port(), free_port()
    running = written(folder, ports, volume)
    run("docker", "volume", "create", volume, folder=folder)
    try:
        running.compose("up", "--detach", "--build", "--wait", "--wait-timeout", "120", seconds=180)
        yield Started(running, running.containers(), ports, volume)
    finally:
        running.down()
        run("docker", "volume", "rm", "--force", volume, folder=folder)


def asked(port: int, path: str, name: str = "127.0.0.1") -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": name})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.code)


def test_limits_variables_and_what_is_asked(started: Started) -> None:
    rich, host = started.inspected["rich"], started.host("rich")
    assert (host["NanoCpus"], host["Memory"], host["MemoryReservation"]) == (500_000_000, 96 * 2**20, 32 * 2**20)
    assert (host["PidsLimit"], rich["Config"]["StopTimeout"]) == (64, 2)
    assert (rich["Config"]["Tty"], rich["Config"]["OpenStdin"]) == (True, True)
    assert host["LogConfig"] == {"Type": "local", "Config": {"max-file": "2", "max-size": "10m"}}
    assert (host["Dns"], host["DnsSearch"]) == (["10.0.0.53"], ["inside.example.org"])
    assert rich["Config"]["Healthcheck"]["Timeout"] == 2 * 10**9
    given = started.given("rich")
    assert (given["GIVEN"], given["TOKEN"]) == ('it\'s $5 # "x"', NASTY_PASSWORD)
    assert "LOCKED" not in given
    assert started.said("rich", "cat", "/run/told") == NASTY_PASSWORD
    assert given["AWAY_URL"] == "https://api.example.org:8443"
    assert (given["STORE_USER"], given["STORE_DATABASE"]) == ("shop_1", "shop-1")
    assert "/well asked.example.org" in started.running.compose("logs", "rich")


def test_ports_and_the_gateways_ways(started: Started) -> None:
    own, other, gate = started.ports
    assert [asked(port, "/x").split()[:2] for port in (own, other)] == [["rich", "/x"]] * 2
    assert started.host("rich")["PortBindings"]["8000/tcp"][0]["HostIp"] in ("", "127.0.0.1")
    every = {int(each["HostPort"]) for each in started.inspected["rich"]["NetworkSettings"]["Ports"]["8000/tcp"]}
    assert len(every) >= 4
    assert {asked(port, "/x").split()[0] for port in every} == {"rich"}
    assert asked(gate, "/side/a").split()[:2] == ["side", "/side/a"]
    assert asked(gate, "/routed/a").split()[:2] == ["rich", "/a"]


def test_what_reaches_beyond_the_container(started: Started) -> None:
    host = started.host("free")
    assert (host["PidMode"], host["IpcMode"]) == ("host", "host")
    assert "seccomp:unconfined" in host["SecurityOpt"]
    assert host["Devices"] == [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/other", "CgroupPermissions": "r"}]
    mounts = {each["Destination"]: each for each in started.inspected["free"]["Mounts"]}
    assert (mounts["/host"]["Source"], mounts["/host"]["RW"]) == ("/etc", False)
    assert mounts["/old"]["Name"] == started.volume


def test_code_is_built_as_asked_in_as_many_copies(started: Started) -> None:
    assert started.said("built", "cat", "/built") == "$word 5"
    copies = started.running.compose("ps", "--quiet", "built").split()
    assert len(copies) == 2
    assert started.given("built")["FRONT_URL"] == "http://rich:8000"


def test_a_database_has_all_that_it_was_asked_for(started: Started) -> None:
    assert started.inspected["store"]["Config"]["User"] == "postgres"
    names = started.said("store", "psql", "-U", "shop_1", "-d", "shop-1", "-tAc", "SELECT datname FROM pg_database")
    assert {"shop-1", "orders"} <= set(names.split())
    found = started.said("store", "psql", "-U", "shop_1", "-d", "orders", "-tAc", "SELECT extname FROM pg_extension")
    assert "pg_trgm" in found.split()


def test_every_key_is_started_or_says_why_not() -> None:
    known = {key.name for key in KEYS}
    assert known >= HERE, f"these are no keys: {HERE - known}"
    told = STARTED_IN.keys() | WITHOUT_START.keys()
    assert not HERE & told, f"these are started here: {HERE & told}"
    assert known - HERE == told, "a key needs a real start above, or its reason in WITHOUT_START"
    for key, (file, word) in STARTED_IN.items():
        assert word in (ROOT / file).read_text(), f"{file} says nothing of {key}"
