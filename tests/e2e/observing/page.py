"""What a page that is open on a project is told, message by message; a real client of its websocket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.e2e.control_plane import ControlPlane

READ_SECONDS = 0.5
# Far beyond what is promised: what is measured is printed, and a loaded machine fails no test.
SECONDS = 60.0


class Page:
    """The newest word on the one stack of a project. Connects again as a browser does, until closed."""

    def __init__(self, *, plane: ControlPlane, project: str) -> None:
        self._address = f"{plane.addresses.url.replace('http', 'ws', 1)}/ws/projects/{project}/"
        self._headers = {"Authorization": f"Token {plane.bootstrap['api_token']}"}
        self._plane = plane
        self._over = threading.Event()
        self._news = threading.Condition()
        self._stack: dict[str, Any] = {}
        self._incidents: list[dict[str, Any]] = []
        self.messages: list[tuple[float, dict[str, Any]]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def state(self, service: str) -> str:
        return next((each["state"] for each in self.services() if each["serviceName"] == service), "")

    def services(self) -> list[dict[str, Any]]:
        return list(self._stack.get("services", ()))

    def differences(self) -> set[str]:
        found = (self._stack.get("drift") or {}).get("differences", ())
        return {f"{each['serviceName']}/{each['aspect']}" for each in found}

    @property
    def stack(self) -> dict[str, Any]:
        return self._stack

    def incidents(self) -> dict[str, dict[str, Any]]:
        """Those that are open, by cause."""
        return {each["cause"]: each for each in self._incidents}

    def is_well(self) -> bool:
        return self._stack.get("state") == "running" and not self.differences()

    def becomes(self, condition: Callable[[], object], *, what: str, seconds: float = SECONDS) -> float:
        """Wait until what was told last fulfils the condition; the moment at which it was told."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not condition():
                left = deadline - time.monotonic()
                assert left > 0, f"The page was not told {what} but {json.dumps(self._stack)}\n{self._plane.tails()}"
                self._news.wait(timeout=min(left, READ_SECONDS))
            return self.messages[-1][0] if self.messages else time.monotonic()

    def close(self) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def _read(self) -> None:
        while not self._over.wait(timeout=0.1):
            try:
                with connect(self._address, additional_headers=self._headers, proxy=None, max_size=None) as socket:
                    self._follow(socket)
            except (OSError, TimeoutError, WebSocketException):
                continue

    def _follow(self, socket: Any) -> None:
        while not self._over.is_set():
            try:
                message = json.loads(socket.recv(timeout=READ_SECONDS))
            except TimeoutError:
                continue
            if message.get("kind") == "stacks":
                with self._news:
                    self.messages.append((time.monotonic(), message))
                    (self._stack,) = message["stacks"].values() or ({},)
                    self._incidents = message["incidents"]
                    self._news.notify_all()
