"""Answers for load balancers and operators who have not signed in: bounded, because everybody may ask."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from deployments import addresses, outbox_relay
from deployments.services.upkeep import health

# In a second and a process: answers that are worked out (others get the last one), and requests of one address.
MAX_FRESH = 5
MAX_OF_ADDRESS = 20
MAX_ADDRESSES = 10_000


class Bounded:
    """An answer that is new unless it was worked out MAX_FRESH times in this second."""

    def __init__(self, work_out: Callable[[], dict[str, Any]]) -> None:
        self._work_out = work_out
        self._lock = threading.Lock()
        self._second = 0
        self._fresh = 0
        self._asked: Counter[str] = Counter()
        self._last: dict[str, Any] | None = None

    def __call__(self, request: HttpRequest) -> JsonResponse:
        allowed, last = self._count(address=addresses.key_in(request), second=int(time.monotonic()))
        if not allowed:
            return JsonResponse({"status": "asked too often"}, status=429, headers={"Retry-After": "1"})
        if last is None:
            last = self._work_out()
            with self._lock:
                self._last = last
        return JsonResponse(last)

    def _count(self, *, address: str, second: int) -> tuple[bool, dict[str, Any] | None]:
        """Return whether this address may have an answer, and the last one when that will do."""
        with self._lock:
            if second != self._second:
                self._second, self._fresh, self._last = second, 0, None
            if not self._fresh or len(self._asked) > MAX_ADDRESSES:
                self._asked.clear()
            self._asked[address] += 1
            if self._asked[address] > MAX_OF_ADDRESS:
                return False, None
            if self._last is not None and self._fresh >= MAX_FRESH:
                return True, self._last
            self._fresh += 1
            return True, None


def _alive() -> dict[str, Any]:
    """Return that the process serves; beside it how our consumers do, what our loops leave for later, and what gateways
    could not read.
    """
    checks = (*([health.kafka()] if settings.KAFKA_BROKERS else []), *health.faults(), *health.skipped_reports())
    shown = {check.name: {"status": check.health, "message": check.message} for check in checks}
    return {"status": "alive", **shown}


def _lags() -> dict[str, Any]:
    lags = outbox_relay.lags(at=timezone.now())
    return {lag.name: {"waiting": lag.waiting, "oldestSeconds": lag.oldest.total_seconds()} for lag in lags}


alive = Bounded(_alive)
# How many stored events wait to go out, by outbox, and the age of the oldest in seconds.
event_lags = Bounded(_lags)
