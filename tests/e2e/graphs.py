"""Small projects whose images build in a second."""

from __future__ import annotations

import uuid
from typing import Any

from tests.e2e.holder import Holder

# A busy machine must not make anybody unhealthy.
PATIENT = {"healthRetries": "20"}
# Docker asks for the first time after one interval, then again and again for a tenth of a second of a processor each.
QUICK_HEALTH = {"healthInterval": "1s", **PATIENT}
# Of a service that never becomes healthy: Docker says so after seconds, however long the others may take.
SOON_UNHEALTHY = {"healthStartPeriod": "1s", "healthRetries": "2"}
SERVER = """\
import http.server, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code = {status} if self.path == "/health" else 200
        self.send_response(code); self.end_headers(); self.wfile.write(b"{text}")
    def log_message(self, *args):
        pass
print("{text} starts", flush=True)
{wait}
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


def node_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def node(name: str, *, config: dict[str, str], kind: int = 1) -> dict[str, Any]:
    return {
        "id": node_id(name),
        "type": kind,
        "data": {"blueprintId": "test", "serviceName": name, "config": config},
        "position": {"x": 0, "y": 0},
    }


def edge(source: str, target: str) -> dict[str, Any]:
    return {"id": node_id(f"{source}-{target}"), "source": node_id(source), "target": node_id(target), "type": 2}


def two_services(*, slow_build: bool = False, soon_unhealthy: bool = False, lives_long: bool = False) -> dict[str, Any]:
    """A web service that calls an api service; a slow build needs the Dockerfile of its code.

    `lives_long`: what is saved by asking for its health early would be spent on asking often.
    """
    python = {"runtime": "python", "port": "8000", "healthPath": "/health", **(PATIENT if lives_long else QUICK_HEALTH)}
    # The image of its own Dockerfile has no tool that could ask for its health: running must do.
    api = {"runtime": "dockerfile", "port": "8000"} if slow_build else python
    nodes = [node("web", config=python), node("api", config={**api, **(SOON_UNHEALTHY if soon_unhealthy else {})})]
    return {"nodes": nodes, "edges": [edge("web", "api")]}


def server_code(
    *,
    text: str = "hello",
    healthy: bool = True,
    slow_build: bool = False,
    listens_after: int = 0,
    held: Holder | None = None,
) -> dict[str, str]:
    """The code of a service; an unhealthy one runs and answers 503 to its health check. Seconds.

    `held`: where a build is slow it ends, else the service listens, when nobody holds this text any more.
    """
    wait = f"time.sleep({listens_after})" if held is None or slow_build else "import held"
    files = {"app.py": SERVER.format(status=200 if healthy else 503, text=text, wait=wait)}
    if held is not None:
        files["held.py"] = held.program(text)
    if slow_build:
        slow = "sleep 6" if held is None else "python held.py"
        files["Dockerfile"] = (
            "FROM python:3.13-slim\n"
            "WORKDIR /app\nCOPY . .\n"
            f"RUN echo {text} {uuid.uuid4()} && {slow}\n"
            'EXPOSE 8000\nCMD ["python", "app.py"]\n'
        )
    return files
