"""/metrics of a process that the test serves itself."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from axion_deploy.metrics.server import MetricsServer

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@contextmanager
def served(*, token: str = "", process: str = "reconciler") -> Iterator[int]:
    """Serve on a free port of this machine; yields the port."""
    server = MetricsServer(("127.0.0.1", 0), process=process, token=token)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(port: int, *, path: str = "/metrics", headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def exposed() -> str:
    """Return what a process tells now."""
    with served() as port:
        status, text = ask(port)
    assert status == 200
    return text


def samples() -> Samples:
    """Return what a process tells now, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposed())
        for sample in family.samples
    }
