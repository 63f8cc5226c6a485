"""How Docker asks a container whether it is well, with tools that its image has, and says what it answered."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.nodes import Node, Settings
from stackgen.yaml import Flow, Value

RETRIES = 5

# Images of others, and those without Python or Node: the first of the usual tools that is there says the status. What
# answers with a redirect is well, whoever asks. A program may listen on the container's own address alone.
_SHELL = (
    "path='{path}'; host='{host}'; ask() {{ "
    'if command -v curl; then curl -s -m 2 -o /dev/null -w \'%{{http_code}}\' -H "Host: $$host" "$$url" >&3; '
    'elif command -v wget; then wget -q -S -T 2 -O /dev/null --header "Host: $$host" "$$url" 2>&1 '
    "| sed -n 's,^ *HTTP/[^ ]* *\\([0-9]*\\).*,\\1,p' | head -n 1 >&3; "
    'elif command -v python3; then python3 -I -c "$$python" "$$1" "$$path" "$$host" >&3; '
    'elif command -v python; then python -I -c "$$python" "$$1" "$$path" "$$host" >&3; '
    'elif command -v node; then node -e "$$node" "$$1" "$$path" "$$host" >&3; '
    'elif command -v bun; then bun -e "$$node" "$$1" "$$path" "$$host" >&3; '
    'elif command -v bash; then bash -c "$$bash" "$$1" "$$path" "$$host" >&3; '
    "else echo none >&3; fi >/dev/null 2>&1; }}; "
    "python='import http.client as h,sys; c=h.HTTPConnection(sys.argv[1],{port},timeout=2); "
    'c.request("GET",sys.argv[2],headers={{"Host":sys.argv[3]}}); print(c.getresponse().status)\'; '
    'node=\'const [at,path,host]=process.argv.slice(-3); require("http").get({{host:at,port:{port},path,'
    "headers:{{Host:host}},timeout:2000}},(r)=>{{console.log(r.statusCode);process.exit()}})"
    '.on("timeout",()=>process.exit(1)).on("error",()=>process.exit(1))\'; '
    'bash=\'exec 4<>"/dev/tcp/$$0/{port}" && printf "GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n" "$$1" "$$2" >&4 '
    '&& read -r -t 2 -u 4 _ status _ && echo "$$status"\'; '
    'for at in 127.0.0.1 "$$(hostname)"; do url="http://$$at:{port}$$path"; status="$$(ask "$$at" 3>&1)"; '
    'case "$$status" in [23]??) exit 0;; [45]??) echo "$$url answered $$status"; exit 1;; '
    'none) echo "no curl, wget, python, node or bash in this image to ask $$url: set healthCommand"; exit 1;; esac; '
    'done; echo "$$url does not answer"; exit 1'
)
_PYTHON = (
    "import http.client as h, socket\n"
    "for at in ('127.0.0.1', socket.gethostname()):\n"
    "    try:\n"
    "        c = h.HTTPConnection(at, {port}, timeout=2)\n"
    "        c.request('GET', '{path}', headers={{'Host': '{host}'}})\n"
    "        status = c.getresponse().status\n"
    "        raise SystemExit(0 if status < 400 else f'http://{{at}}:{port}{path} answered {{status}}')\n"
    "    except OSError as error:\n"
    "        reason = error\n"
    "raise SystemExit(f'http://{{at}}:{port}{path} does not answer: {{reason}}')"
)
_JAVASCRIPT = (
    "const ask = (at, next) => require('http').get({{ host: at, port: {port}, path: '{path}', "
    "headers: {{ Host: '{host}' }}, timeout: 2000 }}, (r) => {{ if (r.statusCode < 400) process.exit(0); "
    "console.log(`http://$${{at}}:{port}{path} answered $${{r.statusCode}}`); process.exit(1) }})"
    ".on('timeout', function () {{ this.destroy(new Error('no answer in 2 s')) }}).on('error', next); "
    "ask('127.0.0.1', () => ask(require('os').hostname(), (error) => {{ console.log(`http://$${{require('os')"
    ".hostname()}}:{port}{path} does not answer: $${{error.message}}`); process.exit(1) }}))"
)
_PYTHON_PORT = (
    "import socket\n"
    "try: socket.create_connection(('127.0.0.1', {port}), 1).close()\n"
    "except OSError: socket.create_connection((socket.gethostname(), {port}), 1).close()"
)
_JAVASCRIPT_PORT = (
    "const ask = (at, next) => require('net').connect({port}, at).on('connect', () => process.exit(0))"
    ".on('error', next); ask('127.0.0.1', () => ask(require('os').hostname(), () => process.exit(1)))"
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
    "wget": ("CMD-SHELL", _SHELL),
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
    host = settings.health_host or f"127.0.0.1:{settings.port}"
    return tuple(part.format(port=settings.port, path=settings.health_path, host=host) for part in form)


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


def cannot_ask(node: Node, probe: str) -> Iterator[str]:
    """Yield a sentence where nothing in the image can ask what the node says."""
    if probe == "none" and node.settings.health_path:
        yield (
            f"{node.label!r}: its image holds nothing to ask healthPath with, so only that it runs is seen; give "
            "healthCommand as a list of words that its own program understands"
        )
