"""Moments as Docker writes them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def epoch_ms(text: str) -> int:
    """Return Docker's time in UTC, nanoseconds and all, as milliseconds; 0 for its year 1. Raises ValueError."""
    if text.startswith("0001"):
        return 0
    moment = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    digits = text[20:23] if len(text) > 20 and text[19] == "." else ""
    return int(moment.timestamp()) * 1000 + (int(digits.ljust(3, "0")) if digits.isdigit() else 0)
