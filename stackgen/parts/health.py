"""How Docker asks a container whether it is well, with tools that its image certainly has."""

from __future__ import annotations

from stackgen.nodes import Settings
from stackgen.yaml import Flow, Value

RETRIES = 5

# Images that others built: the first of the usual tools that is there. Without any, the check fails and says so.
_SHELL = (
    "url='http://127.0.0.1:{port}{path}'; "
    'if command -v wget >/dev/null; then wget -q -T 2 -O /dev/null "$$url"; '
    'elif command -v curl >/dev/null; then curl -fsS -m 2 -o /dev/null "$$url"; '
    'else echo "neither wget nor curl in this image to ask $$url"; exit 1; fi'
)
_PYTHON = (
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', {port}, timeout=2); c.request('GET', '{path}'); "
    "raise SystemExit(c.getresponse().status >= 400)"
)
_JAVASCRIPT = (
    "fetch('http://127.0.0.1:{port}{path}', {{ redirect: 'manual', signal: AbortSignal.timeout(2000) }})"
    ".then((r) => process.exit(r.status < 400 ? 0 : 1), () => process.exit(1))"
)
_PYTHON_PORT = "import socket; socket.create_connection(('127.0.0.1', {port}), 2).close()"
_JAVASCRIPT_PORT = (
    "require('net').connect({port}, '127.0.0.1')"
    ".on('connect', () => process.exit(0)).on('error', () => process.exit(1))"
)
# Busybox has nc; elsewhere any answer will do, also one that refuses (8): somebody listens.
_EITHER = (
    "nc -z 127.0.0.1 {port} 2>/dev/null || wget -q -T 2 -O /dev/null http://127.0.0.1:{port}/ 2>/dev/null "
    "|| [ $$? = 8 ]"
)
_HTTP = {
    "python": ("CMD", "python", "-I", "-c", _PYTHON),
    "node": ("CMD", "node", "-e", _JAVASCRIPT),
    "bun": ("CMD", "bun", "-e", _JAVASCRIPT),
    "wget": ("CMD", "wget", "-q", "-T", "2", "-O", "/dev/null", "http://127.0.0.1:{port}{path}"),
    "shell": ("CMD-SHELL", _SHELL),
}
_TCP = {
    "python": ("CMD", "python", "-I", "-c", _PYTHON_PORT),
    "node": ("CMD", "node", "-e", _JAVASCRIPT_PORT),
    "bun": ("CMD", "bun", "-e", _JAVASCRIPT_PORT),
    "wget": ("CMD-SHELL", _EITHER),
}


def of_service(settings: Settings, probe: str) -> tuple[str, ...]:
    """Return the test of a service: its healthPath, else whether its port is open. Empty when neither can be asked."""
    if settings.port is None:
        return ()
    form = _HTTP.get(probe, ()) if settings.health_path else _TCP.get(probe, ())
    return tuple(part.format(port=settings.port, path=settings.health_path) for part in form)


def healthcheck(
    test: tuple[str, ...], *, interval_seconds: int, timeout_seconds: int, start_seconds: int
) -> dict[str, Value]:
    """Return Compose's healthcheck. Failures do not count while the container starts; a success does, at once."""
    return {
        "test": Flow(test),
        "interval": f"{interval_seconds}s",
        "timeout": f"{timeout_seconds}s",
        "retries": RETRIES,
        "start_period": f"{start_seconds}s",
    }
