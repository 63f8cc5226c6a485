"""JSON over HTTP to our own processes and to the sample."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axion_deploy.demo.errors import DemoError

SECONDS = 15.0


class NoAnswer(DemoError):
    """Nobody listens, or not in time, or not in HTTP."""


@dataclass(frozen=True)
class Answer:
    """Any status is an answer; `data` is None unless the body is a JSON object."""

    status: int
    data: dict[str, Any] | None

    def member(self, name: str) -> dict[str, Any]:
        """Return an object inside the answer; empty when there is none."""
        value = (self.data or {}).get(name)
        return value if isinstance(value, dict) else {}


def ask(url: str, *, send: object = None, headers: Mapping[str, str] | None = None, method: str = "") -> Answer:
    """Send a GET, or a POST when there is something to send, unless told otherwise. Raises NoAnswer."""
    body = None if send is None else json.dumps(send).encode()
    request = urllib.request.Request(  # noqa: S310 (all addresses are made by the demo itself)
        url,
        data=body,
        method=method or None,
        headers={"Content-Type": "application/json", "Accept": "application/json", **(headers or {})},
    )
    # Proxies of the environment are for the world outside, not for 127.0.0.1.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS) as response:
            return Answer(response.status, _object(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _object(error.read()))
    except (OSError, ValueError) as error:
        raise NoAnswer(str(error)) from error


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
