"""Takes secret values out of every text that leaves the runner."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MASK = "***"
SHORTEST = 6


class Masker:
    """Knows values in memory only and replaces them, also their base64, URL and JSON spellings. Safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spellings: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, values: Iterable[str]) -> None:
        """Mask these from now on. Values shorter than 6 characters are not masked: they would hit ordinary words."""
        fresh = {spelling for value in values for spelling in _spellings(value)}
        with self._lock:
            if fresh <= self._spellings:
                return
            self._spellings |= fresh
            longest_first = sorted(self._spellings, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(each) for each in longest_first))

    def mask(self, text: str) -> str:
        pattern = self._pattern
        return pattern.sub(MASK, text) if pattern and text else text


def _spellings(value: str) -> Iterator[str]:
    parts = {value, *value.splitlines()}
    for part in parts:
        if len(part) < SHORTEST:
            continue
        raw = part.encode()
        yield part
        yield quote(part, safe="")
        yield quote(part)
        yield json.dumps(part)[1:-1]
        yield base64.b64encode(raw).decode().rstrip("=")
        yield base64.urlsafe_b64encode(raw).decode().rstrip("=")
