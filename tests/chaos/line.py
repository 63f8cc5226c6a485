"""The line between an agent and its gateway, which can be cut, and can swallow all that is sent."""

from __future__ import annotations

import contextlib
import socket
import threading

CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0


class Line:
    """Forwards TCP from a port of its own to another one of this machine. Safe across threads."""

    def __init__(self, *, to_port: int) -> None:
        self._to_port = to_port
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._flows = threading.Event()
        self._flows.set()
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="line", daemon=True).start()

    def cut(self) -> None:
        """Break what is connected, and refuse what comes, until `mend`."""
        self._is_cut = True
        self._flows.set()
        with self._lock:
            broken, self._open = self._open, set()
        for each in broken:
            _close(each)

    def swallow(self) -> None:
        """Keep connections open and deliver nothing, until `mend`: nobody is told."""
        self._flows.clear()

    def mend(self) -> None:
        self._is_cut = False
        self._flows.set()

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut or (far := self._connect()) is None:
                _close(near)
                continue
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), name="line", daemon=True).start()

    def _connect(self) -> socket.socket | None:
        with contextlib.suppress(OSError):
            far = socket.create_connection(("127.0.0.1", self._to_port), timeout=CONNECT_SECONDS)
            far.settimeout(None)
            return far
        return None

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while chunk := source.recv(CHUNK_BYTES):
                self._flows.wait()
                sink.sendall(chunk)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {source, sink}
            _close(source)
            _close(sink)


def _close(connection: socket.socket) -> None:
    """Also whoever reads from it is woken up."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
