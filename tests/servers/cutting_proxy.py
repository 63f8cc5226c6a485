"""A line to a server that breaks when told to, as when somebody pulls the cable: both ends hear of it at once."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

CHUNK = 65536
RESET = struct.pack("ii", 1, 0)


class CuttingProxy:
    """Listens on this machine, at `port`, and hands on to `target`."""

    def __init__(self, *, target: tuple[str, int]) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.cuts = 0
        self._lock = threading.Lock()
        self._left: int | None = None

    def cut_after(self, words: int) -> None:
        """Cut the line once so many pieces more have gone to the server."""
        with self._lock:
            self._left = words

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._target, timeout=10)
                server.settimeout(None)
                threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                to.sendall(data)
                if counts and self._is_last():
                    break
        for end in (source, to):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _is_last(self) -> bool:
        with self._lock:
            if self._left is None:
                return False
            self._left -= 1
            if self._left > 0:
                return False
            self._left = None
            self.cuts += 1
            return True
