"""Programs in containers and builds go on when a test lets them: who is to be met in a stage stays there."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Asks the host, which is where the way to everywhere begins. Where it cannot be reached, time passes as it used to.
PROGRAM = """\
import socket, time
def host():
    routes = [line.split() for line in open("/proc/net/route")]
    return next(socket.inet_ntoa(bytes.fromhex(each[2])[::-1]) for each in routes if each[1] == "00000000")
def answer():
    try:
        with socket.create_connection((host(), {port}), timeout=2) as asked:
            asked.sendall({key!r})
            return asked.recv(8)
    except (OSError, StopIteration):
        return b""
began = time.monotonic()
while (heard := answer()) != b"go" and (heard or time.monotonic() - began < {alone}):
    time.sleep(0.1)
"""
ALONE_SECONDS = 8
KEY_BYTES = 200


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Holder:
    """Holds programs by a key; those that it does not hold go on at once."""

    def __init__(self) -> None:
        self._held: set[bytes] = set()
        holder = self

        class Answer(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                key = self.request.recv(KEY_BYTES)
                self.request.sendall(b"wait" if key in holder._held else b"go")

        # Containers come from networks of their own.
        self._server = _Server(("0.0.0.0", 0), Answer)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def program(self, key: str) -> str:
        """Return Python that ends when nobody holds the key."""
        port = self._server.server_address[1]
        return PROGRAM.format(port=port, key=key.encode(), alone=ALONE_SECONDS)

    def hold(self, key: str) -> None:
        self._held.add(key.encode())

    def release(self, key: str) -> None:
        self._held.discard(key.encode())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def holding() -> Iterator[Holder]:
    """A holder while the block runs."""
    holder = Holder()
    try:
        yield holder
    finally:
        holder.close()
