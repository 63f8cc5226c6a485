"""How far pushes are, by the bytes that Docker says of each layer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What Docker says of a layer that needs no byte to be sent.
THERE_ALREADY = ("Layer already exists", "Mounted from")
DONE = "Pushed"


class PushProgress:
    """One image's. A layer that nobody knows the size of yet counts like the mean of the others."""

    def __init__(self) -> None:
        self._sent: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._waiting: set[str] = set()
        self._done: set[str] = set()
        self.digest = ""

    def note(self, event: Mapping[str, Any]) -> None:
        """Take one of Docker's messages; the digest of the whole comes with the last."""
        detail = event.get("progressDetail") or {}
        self.digest = str((event.get("aux") or {}).get("Digest") or self.digest)
        layer, status = str(event.get("id") or ""), str(event.get("status") or "")
        if not layer or event.get("aux"):
            return
        if status.startswith(THERE_ALREADY):
            self._forget(layer)
        elif status == DONE:
            self._waiting.discard(layer)
            self._done.add(layer)
        elif layer not in self._sizes and not detail.get("total"):
            self._waiting.add(layer)
        else:
            self._waiting.discard(layer)
            # Docker goes on counting what it compresses beyond the size that it said.
            self._sizes[layer] = max(int(detail.get("total") or 0), self._sizes.get(layer, 0))
            self._sent[layer] = min(int(detail.get("current") or 0), self._sizes[layer])

    @property
    def fraction(self) -> float:
        """Return how much was sent of what has to be, between 0 and 1."""
        mean = sum(self._sizes.values()) / len(self._sizes) if self._sizes else 1.0
        sizes = {layer: float(size) for layer, size in self._sizes.items()}
        sizes |= dict.fromkeys(self._waiting - sizes.keys(), mean) | dict.fromkeys(self._done - sizes.keys(), mean)
        total = sum(sizes.values())
        sent = sum(sizes[layer] if layer in self._done else self._sent.get(layer, 0) for layer in sizes)
        return min(1.0, sent / total) if total else 0.0

    def _forget(self, layer: str) -> None:
        for known in (self._sent, self._sizes):
            known.pop(layer, None)
        self._waiting.discard(layer)
        self._done.discard(layer)
