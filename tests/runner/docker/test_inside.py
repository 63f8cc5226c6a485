"""Programs inside a container: whatever they do, they cost the agent no more than a bound, and end with the work."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import pytest

from agents.runner.docker.container_exec import HEADER, MAX_OUTPUT_BYTES, run_inside
from agents.runner.docker.host import DockerHost
from agents.runner.errors import InterruptedWorkError, UnavailableError
from agents.runner.interrupt import REVERTED, Interrupt

pytestmark = pytest.mark.docker
SPEAKS_ONCE = "import time; print('.', flush=True); time.sleep(50)"
ENDLESS = ["python", "-c", "while True: print('x' * 65536)"]


@pytest.fixture(scope="module")
def container(engine: Any, base_image: str) -> Iterator[str]:
    made = engine.create_container(base_image, host_config=engine.create_host_config(init=True))["Id"]
    engine.start(made)
    yield made
    engine.remove_container(made, force=True)


def run(container: str, argv: list[str], *, seconds: float = 10, interrupt: Interrupt | None = None) -> tuple[int, str]:
    return DockerHost().run_inside(
        container_id=container, argv=argv, seconds=seconds, interrupt=interrupt or Interrupt()
    )


def test_its_exit_code_and_all_that_it_says(container: str) -> None:
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    code, said = run(container, ["python", "-c", program])
    assert (code, sorted(said.split())) == (3, ["err", "out"])


def test_one_that_does_not_end(container: str) -> None:
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="did not end within 1 s"):
        run(container, ["sleep", "50"], seconds=1)
    assert time.monotonic() - began < 5


def test_one_that_says_a_little_for_ever(container: str) -> None:
    drip = "import time\nwhile True: print('.', flush=True); time.sleep(0.1)"
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="did not end within 1 s"):
        run(container, ["python", "-c", drip], seconds=1)
    assert time.monotonic() - began < 5


def test_one_that_says_more_than_may_be_kept(container: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnavailableError, match="says more than 64 KiB"):
            run(container, ENDLESS)
        assert tracemalloc.get_traced_memory()[1] < 40 * MAX_OUTPUT_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "argv", [["sleep", "50"], ["python", "-c", "import time; print('.', flush=True); time.sleep(50)"]]
)
def test_it_is_left_as_soon_as_the_work_is_interrupted(container: str, argv: list[str]) -> None:
    interrupt = Interrupt()
    threading.Timer(0.5, interrupt.set, args=(REVERTED,)).start()
    began = time.monotonic()
    with pytest.raises(InterruptedWorkError):
        run(container, argv, seconds=30, interrupt=interrupt)
    assert time.monotonic() - began < 5


def test_a_container_that_is_paused_or_gone(engine: Any, container: str) -> None:
    engine.pause(container)
    try:
        with pytest.raises(UnavailableError, match="paused"):
            run(container, ["true"])
    finally:
        engine.unpause(container)
    with pytest.raises(UnavailableError, match="could not be run"):
        run("0" * 64, ["true"])


def test_a_failure_of_work_that_was_ended_is_its_end() -> None:
    interrupt = Interrupt()
    interrupt.set(REVERTED)
    with pytest.raises(InterruptedWorkError):
        run("0" * 64, ["true"], interrupt=interrupt)


class AnswersAtOnce(BaseHTTPRequestHandler):
    """An engine that sends the head of its answer and all that the program says in one piece."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("/start"):
            said = HEADER.pack(1, 2) + b"hi"
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n" + said)
            self.close_connection = True
        else:
            self._answer({"Id": "e"})

    def do_GET(self) -> None:
        self._answer({"ExitCode": 0})

    def _answer(self, shape: dict[str, object]) -> None:
        body = json.dumps(shape).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        return None


def test_what_came_together_with_the_head_of_the_answer_is_not_lost() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), AnswersAtOnce) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client: Any = docker.APIClient(base_url=f"tcp://127.0.0.1:{server.server_port}", version="1.40")
        with closing(client):
            told = run_inside(client=client, container_id="c", argv=["x"], seconds=10, interrupt=Interrupt())
        server.shutdown()
    assert told == (0, "hi")
