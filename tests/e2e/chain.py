"""A gateway and three services in a row: one answer through the gateway tells the version of all three."""

from __future__ import annotations

import itertools
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.graphs import QUICK_HEALTH, SOON_UNHEALTHY, edge, node

NAMES = ("front", "middle", "back")
PAUSE_SECONDS = 0.02
ANSWER_SECONDS = 10
# A name stands for old and new copies while both run, so a service asks again when one that leaves breaks off; whoever
# asks through the gateway never has to.
PROGRAM = """\
import http.client, http.server, os, signal, threading, time
NEXT = os.environ.get("NEXT", "")
def ask_next(method):
    for attempt in range(10):
        called = http.client.HTTPConnection(NEXT, 8000, timeout=2)
        try:
            called.request(method, "/")
            answer = called.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        finally:
            called.close()
    return 502, ""
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        status, text = (200, "{name}{version} ") if self.path != "/health" else ({status}, "")
        if self.path != "/health" and NEXT:
            status, following = ask_next(self.command)
            text += following
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
    do_POST = do_GET
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("", 8000), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("{name}{version} starts", flush=True)
server.serve_forever()
server.server_close()
"""


def chain(*, port: int, unhealthy: str = "") -> dict[str, Any]:
    """The gateway publishes `port` of the host. `unhealthy` never becomes healthy, which is soon seen."""
    config = {"runtime": "python", "port": "8000", "healthPath": "/health", **QUICK_HEALTH}
    following = dict(zip(NAMES, (*NAMES[1:], ""), strict=True))
    more = {unhealthy: SOON_UNHEALTHY}
    nodes = [node(name, config={**config, "env.NEXT": following[name], **more.get(name, {})}) for name in NAMES]
    nodes.append(node("gateway", kind=3, config={"hostPort": str(port)}))
    return {"nodes": nodes, "edges": [edge("gateway", "front"), edge("front", "middle"), edge("middle", "back")]}


def code_of(name: str, *, version: int, healthy: bool = True) -> dict[str, str]:
    return {"app.py": PROGRAM.format(name=name, version=version, status=200 if healthy else 503)}


def whole(version: int) -> str:
    """What a client reads when all three are of this version."""
    return "".join(f"{name}{version} " for name in NAMES)


def read(url: str, *, method: str = "GET") -> str:
    """The answer, or what went wrong in its place."""
    request = urllib.request.Request(url, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return f"status {error.code}"
    except OSError as error:
        return f"no answer: {error}"


CLOSED_UNACCEPTED = "no answer: Remote end closed connection without response"


@dataclass
class Client:
    """Asks again and again; remembers every answer in order."""

    url: str
    answers: list[str] = field(default_factory=list)

    def failures(self) -> list[str]:
        """Return the answers that were none, but for one connection closed at Caddy's reload.

        Caddy binds its port anew before it closes the old socket (SO_REUSEPORT): a connection that the kernel has
        completed and Caddy has not yet accepted ends with the old socket, unless net.ipv4.tcp_migrate_req is set.
        """
        failed = [answer for answer in self.answers if not answer.startswith("front")]
        return [] if failed == [CLOSED_UNACCEPTED] else failed


@contextmanager
def hammering(url: str) -> Iterator[Client]:
    client, over = Client(url), threading.Event()

    def ask() -> None:
        # A gateway may try a GET again by itself, but never a POST.
        methods = itertools.cycle(("GET", "POST"))
        while not over.is_set():
            client.answers.append(read(url, method=next(methods)))
            time.sleep(PAUSE_SECONDS)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield client
    finally:
        over.set()
        thread.join(timeout=ANSWER_SECONDS + 5)
