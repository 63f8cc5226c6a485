"""The page where people vote: takes a vote, puts it into Redis, and says so only when it is there."""

import json
import re
import signal
import threading
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import ballots
import pages
from redis.exceptions import RedisError
from settings import CHOICES, Settings, read_settings

if TYPE_CHECKING:
    from redis import Redis

MAX_BODY = 4096
YEAR = 365 * 24 * 3600
VOTER = re.compile(r"[0-9a-f]{32}")


class VoteServer(ThreadingHTTPServer):
    """Answers each request in a thread; closing it waits for the requests that are being answered."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, *, settings: Settings, redis: "Redis") -> None:
        super().__init__(("", settings.port), Handler)
        self.settings = settings
        self.redis = redis


class Handler(BaseHTTPRequestHandler):
    """GET `/`, `/style.css`, `/health`; POST `/cast` with a form or with JSON {"choice": ...}."""

    server: VoteServer
    timeout = 10

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/":
            self.send_page(HTTPStatus.OK)
        elif path == "/style.css":
            self.send(HTTPStatus.OK, "text/css; charset=utf-8", pages.STYLE)
        elif path == "/health":
            self.send_health()
        else:
            self.send_json(HTTPStatus.NOT_FOUND, {"error": "no such page"})

    def do_POST(self) -> None:
        if urlsplit(self.path).path != "/cast":
            self.send_json(HTTPStatus.NOT_FOUND, {"error": "no such page"})
            return
        choice = self.read_choice()
        if choice not in CHOICES:
            self.send_json(HTTPStatus.BAD_REQUEST, {"error": f"choice must be one of {', '.join(CHOICES)}"})
            return
        ballot = ballots.new_ballot(voter=self.voter(), choice=choice)
        try:
            ballots.put(self.server.redis, ballot)
        except RedisError as error:
            self.log_error("vote not taken: %s", error)
            self.refuse()
            return
        self.accept(ballot)

    def accept(self, ballot: ballots.Ballot) -> None:
        cookies = [
            f"{name}={value}; Max-Age={YEAR}; Path=/; SameSite=Lax; HttpOnly"
            for name, value in (("voter", ballot.voter), ("choice", ballot.choice))
        ]
        headers = [("Set-Cookie", cookie) for cookie in cookies]
        if self.is_json():
            self.send_json(HTTPStatus.ACCEPTED, {"accepted": True, "choice": ballot.choice}, headers)
        else:
            # Relative, because only the gateway knows under which path this page is.
            self.send(HTTPStatus.SEE_OTHER, "text/plain", b"", [*headers, ("Location", "./")])

    def refuse(self) -> None:
        if self.is_json():
            self.send_json(HTTPStatus.SERVICE_UNAVAILABLE, {"accepted": False, "error": pages.FAILED})
        else:
            self.send_page(HTTPStatus.SERVICE_UNAVAILABLE, failed=True)

    def send_health(self) -> None:
        try:
            self.server.redis.ping()
        except RedisError as error:
            self.send_json(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "error", "redis": type(error).__name__})
        else:
            self.send_json(HTTPStatus.OK, {"status": "ok", "redis": "ok"})

    def read_choice(self) -> str:
        """The wanted choice, or an empty string for anything that cannot be read."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            return ""
        body = self.rfile.read(int(length)).decode(errors="replace")
        if not self.is_json():
            return parse_qs(body).get("choice", [""])[0]
        try:
            data = json.loads(body)
        except ValueError:
            return ""
        return str(data.get("choice", "")) if isinstance(data, dict) else ""

    def is_json(self) -> bool:
        return str(self.headers.get("Content-Type", "")).startswith("application/json")

    def voter(self) -> str:
        value = self.cookie("voter")
        return value if VOTER.fullmatch(value) else ""

    def cookie(self, name: str) -> str:
        try:
            morsel = SimpleCookie(self.headers.get("Cookie", "")).get(name)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def send_page(self, status: HTTPStatus, *, failed: bool = False) -> None:
        chosen = self.cookie("choice")
        page = pages.render(chosen=chosen, result_url=self.server.settings.result_url, failed=failed)
        self.send(status, "text/html; charset=utf-8", page)

    def send_json(self, status: HTTPStatus, data: object, headers: list[tuple[str, str]] | None = None) -> None:
        self.send(status, "application/json", json.dumps(data).encode(), headers)

    def send(self, status: HTTPStatus, kind: str, body: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        self.send_response(status)
        for name, value in headers or []:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; form-action 'self'")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Health checks every second would drown the lines that matter."""
        if not self.path.endswith(("/health", "/style.css")):
            super().log_request(code, size)


def main() -> None:
    settings = read_settings()
    server = VoteServer(settings=settings, redis=ballots.connect(settings.redis_url))
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop that this very thread runs, so another thread asks for it.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"vote: listening on port {settings.port}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    print("vote: stopped", flush=True)


if __name__ == "__main__":
    main()
