"""What Docker's and the kernel's counters say of a while. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What only rises, at a moment in seconds: seconds of processors, and bytes."""

    at: float
    cpu_seconds: float = 0.0
    received: int = 0
    sent: int = 0
    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What was used between two moments: per cent of one processor, and bytes per second."""

    cpu_percent: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    read: float = 0.0
    written: float = 0.0


def rates_between(before: Counters | None, now: Counters) -> Rates | None:
    """Return the rates; None without an earlier moment, and where a counter fell because all began anew."""
    passed = now.at - before.at if before else 0.0
    if before is None or passed <= 0 or now.cpu_seconds < before.cpu_seconds:
        return None
    return Rates(
        cpu_percent=100.0 * (now.cpu_seconds - before.cpu_seconds) / passed,
        received=max(0, now.received - before.received) / passed,
        sent=max(0, now.sent - before.sent) / passed,
        read=max(0, now.read - before.read) / passed,
        written=max(0, now.written - before.written) / passed,
    )


def counters_of(stats: Mapping[str, Any], *, at: float) -> Counters:
    """Read the counters from Docker's answer, of version 1 and 2 of cgroups; what it does not tell is 0."""
    networks = (stats.get("networks") or {}).values()
    blocks = (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive") or []
    return Counters(
        at=at,
        cpu_seconds=((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage", 0) / 1e9,
        received=sum(each.get("rx_bytes", 0) for each in networks),
        sent=sum(each.get("tx_bytes", 0) for each in networks),
        read=sum(each["value"] for each in blocks if each.get("op", "").lower() == "read"),
        written=sum(each["value"] for each in blocks if each.get("op", "").lower() == "write"),
    )


def memory_of(stats: Mapping[str, Any]) -> tuple[int, int]:
    """Return bytes in use without files that could go, and the limit (the machine's where there is none)."""
    memory = stats.get("memory_stats") or {}
    details = memory.get("stats") or {}
    files = details.get("total_inactive_file", details.get("inactive_file", 0))
    return max(0, memory.get("usage", 0) - files), memory.get("limit", 0)
