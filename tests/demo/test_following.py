"""Following a deployment over HTTP, and what a terminal and a log file are shown of it."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from axion_deploy.demo.deployment import Api, Progress, Service, follow
from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.terminal import Screen
from axion_deploy.embedded.ports import free_port

RUNNING = Progress(
    status="in_progress", stage="deploying", percent=40, services=(Service("db", "in_progress", ""),), error=""
)


class Scripted(ThreadingHTTPServer):
    """Gives one answer after the other, the last one for ever; what it was asked is kept."""

    def __init__(self, answers: list[tuple[int, object]]) -> None:
        super().__init__(("127.0.0.1", free_port()), ScriptedHandler)
        self.answers = answers
        self.asked: list[tuple[str, str | None, object]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class ScriptedHandler(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        sent = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.path, self.headers.get("Authorization"), sent))
        answers = self.server.answers
        status, data = answers.pop(0) if len(answers) > 1 else answers[0]
        if status == 0:
            # A web process that dies in the middle of an answer.
            self.close_connection = True
            return
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 (http.server wants this name)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def serve() -> Iterator[list[Scripted]]:
    """Servers put here are run, and ended with the test."""
    servers: list[Scripted] = []
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


def api_of(serve: list[Scripted], *answers: tuple[int, object]) -> tuple[Api, Scripted]:
    server = Scripted(list(answers))
    serve.append(server)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return Api(url=server.url, token="secret"), server


def status(number: int, percent: int, **more: object) -> tuple[int, object]:
    services = [{"serviceName": "db", "status": number, "errorMessage": ""}]
    data = {"status": number, "currentStage": 3, "progressPercent": percent, "serviceStatuses": services, **more}
    return 200, {"status": 1, "data": data}


def test_a_deployment_is_asked_for_with_the_token(serve: list[Scripted]) -> None:
    api, server = api_of(serve, (201, {"status": 1, "deployment": {"id": "d1"}}))
    assert api.deploy(project="p", target={"serverId": "s"}) == "d1"
    assert server.asked == [("/api/deployments", "Token secret", {"projectId": "p", "serverId": "s"})]


def test_a_refusal_is_told_with_its_reason(serve: list[Scripted]) -> None:
    error = {"code": "VALIDATION_ERROR", "message": "No such port.", "details": {"port": "99999"}}
    api, _ = api_of(serve, (400, {"status": 2, "error": error}))
    with pytest.raises(DemoError, match=r"refused \(400\): No such port\. .*99999"):
        api.deploy(project="p", target={"serverId": "s"})


def test_following_shows_each_step_and_survives_a_web_process_that_restarts(serve: list[Scripted]) -> None:
    api, _ = api_of(serve, status(1, 0), status(2, 40), (0, None), status(3, 100))
    seen: list[Progress] = []
    end = follow(api=api, deployment="d1", show=seen.append, check=lambda: None)
    assert [(each.status, each.percent) for each in seen] == [("pending", 0), ("in_progress", 40), ("success", 100)]
    assert seen[1] == RUNNING
    assert end is seen[-1]


def test_following_ends_when_a_process_of_ours_is_given_up(serve: list[Scripted]) -> None:
    api, _ = api_of(serve, status(2, 40))

    def check() -> None:
        raise DemoError("worker ended")

    with pytest.raises(DemoError, match="worker ended"):
        follow(api=api, deployment="d1", show=lambda _: None, check=check)


def test_a_log_gets_plain_lines_and_only_changes() -> None:
    out = io.StringIO()
    with Screen(Console(file=out, highlight=False, soft_wrap=True)).following() as following:
        for progress in (RUNNING, RUNNING, RUNNING):
            following.show(progress)
    assert out.getvalue() == "  deploying 40% (db in_progress)\n"


def test_a_terminal_gets_a_bar_and_the_services() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, highlight=False)
    with Screen(console).following() as following:
        following.show(RUNNING)
    shown = out.getvalue()
    assert "40%" in shown
    assert "━" in shown
    assert "db" in shown


def test_markup_in_messages_is_text() -> None:
    out = io.StringIO()
    Screen(Console(file=out, soft_wrap=True)).problem("ended: [red]x[/] and [/nonsense]")
    assert out.getvalue() == "✗ ended: [red]x[/] and [/nonsense]\n"
