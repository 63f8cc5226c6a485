"""Free ports of this machine."""

from __future__ import annotations

import socket
from contextlib import closing


def is_free(port: int, *, host: str = "127.0.0.1") -> bool:
    """Return whether nothing listens there now; somebody may take the port right after."""
    with closing(socket.socket()) as probe:
        # Without it a port whose last connections are in TIME_WAIT looks taken, while servers could use it.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(*, preferred: int | None = None, host: str = "127.0.0.1") -> int:
    """Return the preferred port when it is free, else one that the kernel picks."""
    if preferred is not None and is_free(preferred, host=host):
        return preferred
    with closing(socket.socket()) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
