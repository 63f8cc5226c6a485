"""Receivers on this machine: an HTTP server and an SMTP server, as real as it takes."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Inbox:
    """What arrived. `answers` are the statuses to answer with, the last one for ever; `location` redirects. Nothing is
    answered before `held` is set.
    """

    port: int = 0
    answers: list[int] = field(default_factory=lambda: [200])
    location: str = ""
    held: threading.Event | None = None
    requests: list[tuple[dict[str, str], bytes, str]] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _, _ in self.requests]


@contextmanager
def http_receiver() -> Iterator[Inbox]:
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = inbox.answers.pop(0) if len(inbox.answers) > 1 else inbox.answers[0]
            inbox.requests.append(({name.lower(): value for name, value in self.headers.items()}, body, self.path))
            if inbox.held is not None:
                inbox.held.wait(timeout=60)
            self.send_response(answer)
            if inbox.location:
                self.send_header("Location", inbox.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing of a sender that was killed."""

    with _serving(Server(("127.0.0.1", 0), Handler), inbox):
        yield inbox


@contextmanager
def smtp_receiver() -> Iterator[Inbox]:
    """RFC 5321 as far as a sender of one mail goes."""
    inbox = Inbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    inbox.mails.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), inbox):
        yield inbox


@contextmanager
def _serving(server: socketserver.TCPServer, inbox: Inbox) -> Iterator[None]:
    inbox.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=30)
