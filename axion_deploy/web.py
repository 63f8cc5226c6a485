"""The web server and its bounds, alike wherever it is started."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# From the connection, or the request's first byte, to the end of its headers.
MAX_HEADER_SECONDS = 10.0
MAX_HEADER_BYTES = 64 * 1024
KEEP_ALIVE_SECONDS = 5
# Requests underway when the process is told to end.
GRACEFUL_SECONDS = 10


class PunctualProtocol(HttpToolsProtocol):
    """Ends connections whose headers do not come, or do not end: uvicorn bounds neither."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server has it
        super().connection_made(transport)
        self.unfinished = 0
        self.deadline: asyncio.TimerHandle | None = None
        self.expect_headers()

    def expect_headers(self) -> None:
        self.in_headers = True
        self.stop_waiting()
        self.deadline = self.loop.call_later(MAX_HEADER_SECONDS, self.give_up, 408)

    def stop_waiting(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if not self.in_headers or self.cycle is not before:
            self.unfinished = 0
        else:
            self.unfinished += len(data)
        if self.unfinished > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.give_up(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # The time of a connection's first request began with the connection.
        if self.deadline is None:
            self.expect_headers()

    def on_headers_complete(self) -> None:
        self.in_headers = False
        self.stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_waiting()
        super().connection_lost(exc)

    def give_up(self, status: int) -> None:
        """Answer with the status and close, without waiting for a client that does not read."""
        self.stop_waiting()
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()


def config(application: Any, *, host: str, port: int, **more: Any) -> uvicorn.Config:
    """Return the configuration. Django's settings must be set up."""
    # No proxy_headers: the application itself knows which proxies are trusted, see `forwarded`.
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        http=PunctualProtocol,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=settings.AXION_WEB_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        **more,
    )
