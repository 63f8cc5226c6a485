"""Whoever reaches the web process sends too much, or too slowly. Run by nobody, and by a stranger with a token."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from axion_deploy import bodies, web
from axion_deploy.embedded.ports import free_port
from deployments.models import Project
from tests.doors.people import People
from tests.doors.serving import served

ROOT = Path(__file__).resolve().parents[3]
MIB = 1024 * 1024
PIECE = b"x" * 65536
PLACES = (
    "/healthz",
    "/api/deployments",
    "/nothing",
    "/admin/login/",
    "/api/projects/{id}/code/n",
    "/api/projects/{id}/graph",
)
NOBODYS = "11111111-2222-4333-8444-555555555555"

OPENED: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _lines_end() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


class Line:
    """A plain connection to the web process."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        OPENED.append(self.socket)

    def ask(self, method: str, path: str, **headers: str) -> None:
        named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{named}\r\n".encode())

    def pour(self, size: int, *, chunked: bool = False) -> int:
        """Send until all is sent or the other side ends it; how much went."""
        sent = 0
        try:
            while sent < size:
                self.socket.sendall(b"10000\r\n" + PIECE + b"\r\n" if chunked else PIECE)
                sent += len(PIECE)
        except OSError:
            pass
        return sent

    def status(self) -> int | None:
        """Of the answer; None when the connection ended without one."""
        try:
            answer = self.socket.recv(65536)
        except ConnectionError:
            return None
        found = re.match(rb"HTTP/1.1 (\d+)", answer)
        return int(found[1]) if found else None


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


@pytest.fixture(scope="module")
def process() -> Iterator[tuple[int, psutil.Process]]:
    """The web process as it is started for real; nobody signs in, so its database is none of ours."""
    port = free_port()
    command = [sys.executable, "manage.py", "run_web", "--bind", f"127.0.0.1:{port}"]
    started = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait(timeout=20)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
@pytest.mark.parametrize("path", PLACES)
def test_400_mib_of_nobody_cost_nothing(process: tuple[int, psutil.Process], path: str, announced: bool) -> None:
    port, program = process
    Line(port).ask("GET", "/healthz")
    written, memory = program.io_counters().write_chars, program.memory_info().rss
    line = Line(port)
    length = {"Content_Length": str(400 * MIB)} if announced else {"Transfer_Encoding": "chunked"}
    line.ask("PUT" if "{id}" in path else "POST", path.replace("{id}", NOBODYS), **length)
    sent = line.pour(400 * MIB, chunked=not announced)
    assert sent < 400 * MIB, "the whole body was taken"
    assert program.io_counters().write_chars - written < 5 * MIB
    assert program.memory_info().rss - memory < 20 * MIB


@pytest.mark.parametrize(("path", "status"), [("/healthz", 413), ("/api/projects/{id}/code/n", 401)])
def test_what_is_announced_is_refused_at_once(address: str, path: str, status: int) -> None:
    line = Line(port_of(address))
    began = time.monotonic()
    line.ask("PUT", path.replace("{id}", NOBODYS), Content_Length=str(10 * MIB), Authorization="Token guess")
    assert line.status() == status
    assert time.monotonic() - began < 1.5


def test_the_server_does_not_say_what_it_is(process: tuple[int, psutil.Process]) -> None:
    line = Line(process[0])
    line.ask("GET", "/admin/login/")
    assert b"uvicorn" not in line.socket.recv(65536).lower()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_WAIT_SECONDS", 0.6)
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.1)
    monkeypatch.setattr(web, "MAX_HEADER_SECONDS", 0.6)


def trickle(line: Line, *, until: Callable[[], bool]) -> None:
    try:
        while not until():
            line.socket.sendall(b"x")
            time.sleep(0.05)
    except OSError:
        pass


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("complete", [True, False], ids=["body", "headers"])
def test_who_trickles_is_ended(complete: bool) -> None:
    with served() as address:
        line = Line(port_of(address))
        if complete:
            line.ask("POST", "/healthz", Content_Length="100000")
        else:
            line.socket.sendall(b"GET /healthz HTTP/1.1\r\nX-Long: ")
        ended: list[int | None] = []
        listener = threading.Thread(target=lambda: ended.append(line.status()))
        listener.start()
        trickle(line, until=lambda: bool(ended))
        listener.join(timeout=10)
        assert ended == [408]


@pytest.mark.usefixtures("hurried")
def test_a_connection_that_says_nothing_is_ended() -> None:
    with served() as address:
        assert Line(port_of(address)).status() == 408


def test_headers_without_end_are_refused() -> None:
    with served() as address:
        line = Line(port_of(address))
        line.socket.sendall(b"GET /healthz HTTP/1.1\r\nX-Long: ")
        assert line.pour(20 * MIB) < 20 * MIB
        assert line.status() in (431, None)


def test_large_uploads_are_one_for_each_and_few_together(people: People, project: Project, address: str) -> None:
    """The owner's upload waits half-way; beside it there is no second one, but another's; and then no place at all."""
    path = f"/api/projects/{project.id}/code/n"

    def begun(who: str) -> Line:
        line = Line(port_of(address))
        token = f"Token {people.tokens[who]}"
        line.ask("PUT", path, Content_Length=str(2 * MIB), Content_Type="application/x-tar", Authorization=token)
        return line

    first = begun("owner")
    first.pour(MIB)
    assert begun("owner").status() == 429
    names = ["deployer", "viewer", "stranger"]
    others = [begun(name) for name in names]
    for line in others:
        line.pour(MIB)
    assert begun("root").status() == 503
    first.pour(MIB)
    assert first.status() == 400, "no tar, but read to its end"
    again = begun("owner")
    again.pour(2 * MIB)
    assert again.status() == 400
    # The server's end waits for no upload.
    for line in others:
        line.socket.close()


def test_a_stranger_sends_no_more_than_the_door_takes(people: People, project: Project, address: str) -> None:
    for path, size in ((f"/api/projects/{project.id}/code/n", 60), ("/api/servers", 2), ("/api/deployments", 5)):
        line = Line(port_of(address))
        method = "PUT" if "code" in path else "POST"
        token = people.tokens["stranger"]
        line.ask(method, path, Content_Length=str(size * MIB), Authorization=f"Token {token}")
        assert line.status() == 413
