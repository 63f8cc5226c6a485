"""`/metrics` of each process: a small server of its own beside the process's work, which it never stops."""

from __future__ import annotations

import hmac
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import CommandError
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from agents.addresses import host_of, is_loopback
from axion_deploy.metrics.collector import Figures
from deployments.measurements import MEASURED

# Each kind of process adds its place to the port, so that all of them find one on the same machine.
PROCESSES = ("web", "worker", "gateway", "publisher", "reconciler", "consumer")
MAX_CONNECTIONS = 8
# From the connection to the end of the answer, whatever comes in between.
MAX_SECONDS = 10.0
READ_SECONDS = 5.0
REFUSED = (
    "AXION_METRICS_BIND={bind} can be reached from other machines, and without AXION_METRICS_TOKEN everybody there may"
    " read the figures. Set a token of at least 16 characters, or bind to 127.0.0.1."
)
MIN_TOKEN = 16

logger = structlog.get_logger(__name__)


class MetricsServer(ThreadingHTTPServer):
    """Answers GET /metrics, in at most MAX_CONNECTIONS threads; further callers are cut off."""

    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, address: tuple[str, int], *, process: str, token: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.registry = CollectorRegistry()
        for collector in (MEASURED, Figures(process=process)):
            self.registry.register(collector)
        for kind in (ProcessCollector, PlatformCollector, GCCollector):
            kind(registry=self.registry)
        self.token = token
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, MetricsHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        deadline = threading.Timer(MAX_SECONDS, _cut, args=[request])
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request
        logger.debug("a caller of /metrics went away", address=str(client_address))


class MetricsHandler(BaseHTTPRequestHandler):
    """One request per connection. Says nothing to who does not bring the token, where there is one."""

    timeout = READ_SECONDS
    server: MetricsServer
    server_version = "axion"
    sys_version = ""

    def do_GET(self) -> None:  # the standard library's name
        if not self._may_read():
            self._answer(HTTPStatus.UNAUTHORIZED, b"", {"WWW-Authenticate": "Bearer"})
        elif self.path.partition("?")[0] != "/metrics":
            self._answer(HTTPStatus.NOT_FOUND, b"", {})
        else:
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, encode(self.server.registry), {"Content-Type": kind})

    def _may_read(self) -> bool:
        if not self.server.token:
            # A page in a browser of this machine must not read by a name that it leads here.
            return is_loopback(host_of(self.headers.get("Host", "")))
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self.server.token.encode())

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Leave it out: scrapes come every few seconds."""


def serve_metrics(*, process: str) -> MetricsServer | None:
    """Serve /metrics in threads until the process ends, as AXION_METRICS_BIND says; None when it is empty or taken.

    A port that is taken is a warning: measuring never stops the work. Raises CommandError for a setting that cannot be
    right, or that would let strangers read.
    """
    bind, token = settings.AXION_METRICS_BIND, settings.AXION_METRICS_TOKEN
    if not bind:
        return None
    host, _, port = bind.rpartition(":")
    highest = 65535 - len(PROCESSES)
    if not host or not port.isdigit() or int(port) > highest:
        raise CommandError(f"AXION_METRICS_BIND={bind}: write HOST:PORT, the port at most {highest}.")
    if (token or not is_loopback(host_of(bind))) and len(token) < MIN_TOKEN:
        raise CommandError(REFUSED.format(bind=bind))
    number = int(port) + PROCESSES.index(process) if int(port) else 0
    try:
        server = MetricsServer((host.strip("[]"), number), process=process, token=token)
    except OSError as error:
        logger.warning("no /metrics: its port cannot be had", bind=f"{host}:{number}", error=str(error))
        return None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    logger.info("metrics served", bind=f"{host}:{server.server_address[1]}")
    return server


def _cut(request: socket.socket) -> None:
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("a caller of /metrics had gone already")
