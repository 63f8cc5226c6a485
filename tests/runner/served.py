"""A graph with a gateway, generated as the product does it, and a client that never stops asking."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import uuid4

from agents.contracts import runner_pb2 as pb
from stackgen.graph.reader import parse_graph
from stackgen.results import StackOptions
from stackgen.results import StackService as Generated
from stackgen.stack import generate
from tests.stackgen.graphs import GATEWAY, graph, node

# Answers 503 to everything for its first READY_AFTER seconds, though its port is open; /wait is answered when somebody
# makes the file /tmp/go. Ends at once when told to, whatever it was doing.
SERVER = """
import os, signal, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
READY_AT = time.monotonic() + float(os.environ["READY_AFTER"])


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        ready = time.monotonic() >= READY_AT
        while self.path == "/wait" and not os.path.exists("/tmp/go"):
            time.sleep(0.05)
        body = os.environ["VERSION"].encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


Server(("", 8000), Answer).serve_forever()
"""
# The generated health check asks with the image's own Python.
DOCKERFILE = 'FROM python:3.13-slim\nCOPY server.py /server.py\nCMD ["python", "/server.py"]\n'
NEVER = 10_000
# Connections closed before they were served, of all that one client made.
MAX_CUT = 3


@dataclass(frozen=True, kw_only=True)
class Served:
    """edge leads to api and, under /pages, to pages. `api` is what the tests change."""

    name: str
    project_id: str
    image: str
    port: int
    version: str = "1"
    ready_after: float = 0
    replicas: int = 1
    deadline: int = 30
    numbers: list[int] = field(default_factory=list)

    def with_api(self, **changes: object) -> Served:
        return replace(self, **changes)  # type: ignore[arg-type]

    def deploy(self, *, pinned: dict[str, str] | None = None) -> pb.Command:
        """The next command of the lane, with the stack as it is generated from the graph."""
        self.numbers.append(1)
        api = {"env__VERSION": self.version, "env__READY_AFTER": str(self.ready_after), "replicas": str(self.replicas)}
        common = {"image": self.image, "port": "8000", "healthPath": "/health", "stopGraceSeconds": "2"}
        raw = graph(
            node("edge", GATEWAY, hostPort=str(self.port)),
            node("api", **common, **api),
            node("pages", **common, env__VERSION="p", env__READY_AFTER="0"),
            edges=["edge api", "edge pages"],
        )
        stack = generate(
            graph=parse_graph(raw),
            stack_name=self.name,
            project_id=self.project_id,
            code={},
            options=StackOptions(health_interval_seconds=1),
        )
        order = pb.Deploy(
            stack_name=self.name,
            files=dict(stack.files),
            services=[_spec(service) for service in stack.services],
            health_deadline_seconds=self.deadline,
            build_deadline_seconds=60,
            restore_on_failure=True,
            pinned_images=pinned,
        )
        return self._command("deploy", f"d{len(self.numbers)}-{uuid4().hex[:8]}", deploy=order)

    def revert(self, command: pb.Command) -> pb.Command:
        self.numbers.append(1)
        order = pb.Revert(stack_name=self.name, asked_by="alice", cause="cancelled")
        return self._command("revert", command.deployment_id, revert=order)

    def _command(self, kind: str, deployment_id: str, **payload: pb.Deploy | pb.Revert) -> pb.Command:
        return pb.Command(
            command_id=f"{kind}-{uuid4().hex[:8]}",
            lane=self.project_id,
            number=len(self.numbers),
            deployment_id=deployment_id,
            project_id=self.project_id,
            **payload,  # type: ignore[arg-type]
        )


def _spec(service: Generated) -> pb.ServiceSpec:
    return pb.ServiceSpec(
        node_id=service.node_id,
        name=service.name,
        image=service.image,
        depends_on=service.depends_on,
        has_health_check=service.has_health_check,
        replicas=service.replicas,
        content_hash=service.content_hash,
        level=service.level,
        starts_first=service.starts_first,
    )


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One request: when it began and ended, and the version that answered, or what went wrong.

    `cut`: how a connection made for it was closed before a byte of the answer.
    """

    began: float
    ended: float
    version: str = ""
    failure: str = ""
    cut: str = ""


class Hammer:
    """Asks without a pause on connections of its own, some kept and some new for each request.

    When a connection is closed before a byte of the answer it asks once more on a new one, as HTTP lets clients do: the
    server closes kept ones between two requests, and the kernel those that wait for a listener that a reload replaces.
    The latter is a matter of microseconds: more than MAX_CUT of them are failures.
    """

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._host, self._port = host, port
        self._stopped = threading.Event()
        self.answers: list[Answered] = []
        self._threads = [threading.Thread(target=self._ask_on, args=(keep,)) for keep in (True, True, False, False)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def failures(self) -> list[Answered]:
        cut = [each for each in self.answers if each.cut]
        return [each for each in self.answers if each.failure] + (cut if len(cut) > MAX_CUT else [])

    def versions(self, *, since: float = 0.0, until: float = float("inf")) -> set[str]:
        """Who answered requests that began between these moments of the steady clock."""
        return {each.version for each in self.answers if since <= each.began <= until}

    def wait_for(self, version: str, *, seconds: float = 60) -> float:
        """Until this version's first answer has come; returns when that was."""
        give_up_at = time.monotonic() + seconds
        while True:
            ended = [each.ended for each in list(self.answers) if each.version == version]
            if ended:
                return min(ended)
            assert time.monotonic() < give_up_at, f"no answer of version {version} within {seconds} s"
            time.sleep(0.05)

    def _ask_on(self, keep: bool) -> None:
        connection = self._connection()
        used = False
        while not self._stopped.wait(0.01):
            if not keep:
                connection.close()
                connection, used = self._connection(), False
            began, cut = time.monotonic(), ""
            try:
                version, failure = ask(connection)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                cut = "" if used else repr(error)
                connection.close()
                connection = self._connection()
                version, failure = self._once_more(connection)
            except (OSError, http.client.HTTPException) as error:
                version, failure = "", repr(error)
            used = True
            if failure:
                connection.close()
                connection, used = self._connection(), False
            self.answers.append(
                Answered(began=began, ended=time.monotonic(), version=version, failure=failure, cut=cut)
            )
        connection.close()

    def _once_more(self, connection: http.client.HTTPConnection) -> tuple[str, str]:
        try:
            return ask(connection)
        except (OSError, http.client.HTTPException) as error:
            return "", repr(error)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port, timeout=15)


def ask(connection: http.client.HTTPConnection, path: str = "/") -> tuple[str, str]:
    """The version that answered, and what was wrong with the answer."""
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    return (body, "") if response.status == 200 else ("", f"{response.status} {body[:80]}")


@contextmanager
def hammering(port: int, *, host: str = "127.0.0.1") -> Iterator[Hammer]:
    hammer = Hammer(port, host=host)
    hammer.start()
    try:
        yield hammer
    finally:
        hammer.stop()
