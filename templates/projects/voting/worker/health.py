"""Tells at `/health` whether the worker got through its loop, with both servers, in the last seconds."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FRESH_SECONDS = 5.0


class Heartbeat:
    def __init__(self, *, port: int) -> None:
        self.port = port
        self.beaten_at = float("-inf")

    def beat(self) -> None:
        self.beaten_at = time.monotonic()

    def is_fresh(self) -> bool:
        return time.monotonic() - self.beaten_at < FRESH_SECONDS

    def serve(self) -> None:
        """Answers from a background thread that ends with the program."""
        heartbeat = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                fresh = heartbeat.is_fresh()
                body = json.dumps({"status": "ok" if fresh else "error"}).encode()
                self.send_response(200 if fresh else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Silent: it is asked every second."""

        server = ThreadingHTTPServer(("", self.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
