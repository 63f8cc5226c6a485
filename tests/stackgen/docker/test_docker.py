"""Generated stacks on a real engine: built, started, healthy, and each reaching exactly whom it is joined with."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stackgen.docker.engine import needs_engine, run
from tests.stackgen.docker.stacks import CONNECT, NASTY_PASSWORD, Running, build_stack, unique_stack_name
from tests.stackgen.graphs import VOTING, graph, node, voting

pytestmark = needs_engine


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def ask(url: str, data: bytes | None = None) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with opener.open(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    """The sample application with its gateway on a port of its own."""
    raw, port = voting(), free_port()
    raw["nodes"][0]["data"]["config"]["hostPort"] = str(port)
    code = {name: VOTING / name for name in ("vote", "worker", "result")}
    running = build_stack(raw, code, tmp_path_factory.mktemp("voting"), unique_stack_name())
    try:
        running.up()
        yield running, f"http://127.0.0.1:{port}"
    finally:
        running.down()


def test_every_service_becomes_healthy(sample: tuple[Running, str]) -> None:
    assert sample[0].health() == dict.fromkeys(["db", "redis", "vote", "worker", "result", "gateway"], "healthy")


def test_the_gateway_leads_to_both_and_a_vote_is_counted(sample: tuple[Running, str]) -> None:
    _, url = sample
    assert ask(f"{url}/")[0] == 200
    assert ask(f"{url}/result")[0] == 200
    assert ask(f"{url}/cast", b'{"choice": "sea"}')[0] == 202
    deadline = time.monotonic() + 10
    while json.loads(ask(f"{url}/result/api/results")[1])["total"] != 1:
        assert time.monotonic() < deadline, "the vote is not counted"
        time.sleep(0.1)


PORTS = {"db": 5432, "redis": 6379, "vote": 8000, "worker": 8000, "result": 4000, "gateway": 8080}


def reached_from(running: Running, service: str) -> set[str]:
    """Ask every address that each other service has, so that a missing name is no excuse."""
    places = []
    for target, item in running.containers().items():
        addresses = [network["IPAddress"] for network in item["NetworkSettings"]["Networks"].values()]
        assert all(addresses), f"{target} is not running"
        places += [f"{address},{PORTS[target]},{target}" for address in addresses if target != service]
    told = running.compose("exec", "-T", service, "python", "-c", CONNECT, *places)
    return {place.rsplit(",", 1)[1] for place in told.split()}


def test_each_reaches_exactly_whom_it_is_joined_with(sample: tuple[Running, str]) -> None:
    assert reached_from(sample[0], "vote") == {"redis", "gateway"}
    assert reached_from(sample[0], "worker") == {"redis", "db"}


def test_values_arrive_unchanged_and_show_nowhere_else(sample: tuple[Running, str]) -> None:
    running = sample[0]
    told = running.compose("exec", "-T", "vote", "sh", "-c", 'echo "$REDIS_PASSWORD $GREETING"')
    assert told == f"{NASTY_PASSWORD} it's $5\n"
    shown = run("docker", "ps", "--no-trunc", "--format", "{{.Command}}", folder=running.folder)
    assert NASTY_PASSWORD not in shown
    assert not any(NASTY_PASSWORD in path.read_text() for path in running.folder.iterdir() if path.is_file())


def test_containers_run_as_nobody_special_with_our_labels(sample: tuple[Running, str]) -> None:
    running = sample[0]
    assert running.compose("exec", "-T", "vote", "id", "-u") == "10001\n"
    assert running.compose("exec", "-T", "result", "id", "-un") == "node\n"
    for service in running.stack.services:
        labels = running.containers()[service.name]["Config"]["Labels"]
        assert labels["axion.project"] == "test-stackgen"
        assert labels["axion.node"] == service.node_id
        assert labels["axion.hash"] == service.content_hash


def test_the_same_again_replaces_nothing_and_a_new_route_only_the_gateway(
    sample: tuple[Running, str], tmp_path: Path
) -> None:
    running, url = sample
    before = {name: item["Id"] for name, item in running.containers().items()}
    running.up()
    assert {name: item["Id"] for name, item in running.containers().items()} == before
    raw = voting()
    raw["nodes"][0]["data"]["config"] |= {"hostPort": url.rsplit(":", 1)[1], "route.result": "/tally"}
    other = build_stack(raw, running.code, tmp_path / "again", running.stack.name)
    other.up()
    after = {name: item["Id"] for name, item in other.containers().items()}
    assert {name for name in after if after[name] != before[name]} == {"gateway"}
    assert ask(f"{url}/tally/api/results")[0] == 200


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Runtimes that need nothing from a registry: files for browsers, a built Node program, code's own Dockerfile."""
    files = {
        "site/index.html": "<p>here</p>",
        "site/.env": "TOKEN=left-behind",
        "built/package.json": json.dumps(
            {"scripts": {"build": "mkdir dist && cp src.js dist/", "start": "node dist/src.js"}}
        ),
        "built/src.js": "require('http').createServer((q, r) => r.end('built')).listen(process.env.PORT)",
        "own/Dockerfile": 'FROM python:3.13-slim\nCOPY . /x\nWORKDIR /x\nCMD ["python", "serve.py"]\n',
        "own/serve.py": "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=8000)",
        "proc/Procfile": "web: python -m http.server $PORT",
        "proc/x.py": "",
        "proc/pyproject.toml": "[project]\nname = 'x'\nversion = '1'\ndependencies = []\n",
    }
    folder = tmp_path_factory.mktemp("code")
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    raw = graph(
        node("site", port="8000", healthPath="/"),
        node("built", port="8000"),
        node("own", port="8000"),
        node("proc", port="8000", healthPath="/", replicas="2", memory="64M", cpu="0.5"),
        edges=["site built", "site own", "site proc", "built own", "own proc", "built proc"],
    )
    code = {path.name: path for path in folder.iterdir()}
    running = build_stack(raw, code, tmp_path_factory.mktemp("stack"), unique_stack_name())
    try:
        running.up()
        yield running
    finally:
        running.down()


def test_small_runtimes_are_built_and_healthy(small: Running) -> None:
    assert small.health() == {"site": "healthy", "built": "healthy", "proc": "healthy", "own": "running"}
    get = "import urllib.request as u; print(u.urlopen('http://{}:8000/').read().decode())"
    assert "<p>here</p>" in small.compose("exec", "-T", "own", "python", "-c", get.format("site"))
    assert "built" in small.compose("exec", "-T", "own", "python", "-c", get.format("built"))


def test_what_must_not_be_in_an_image_is_not(small: Running) -> None:
    assert small.compose("exec", "-T", "site", "ls", "-A", "/srv").split() == ["index.html"]


def test_limits_and_copies_hold(small: Running) -> None:
    assert len(small.compose("ps", "--quiet", "proc").split()) == 2
    host = small.containers()["proc"]["HostConfig"]
    assert (host["Memory"], host["NanoCpus"]) == (64 * 1024**2, 500_000_000)
    assert host["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
