"""Amounts of memory, cores and time, as people write them and as Docker reads them."""

from __future__ import annotations

import re

MEMORY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?) ?([kmgt]?)i?b?", re.IGNORECASE)
CPUS = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?")
MILLICPUS = re.compile(r"[0-9]{1,8}m")
SPAN = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7}(?:\.\d{1,3})?)s)?(?:(\d{1,9})ms)?")
SECONDS = re.compile(r"\d{1,7}")
UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
MIN_MEMORY_BYTES = 6 * 1024**2
MAX_DURATION_SECONDS = 24 * 3600
# For programs that read the schema; what they let through is still read by the functions below.
AMOUNT = r"^\s*([0-9]+(\.[0-9]+)? ?[kKmMgGtT]?[iI]?[bB]?)?\s*$"
CORES = r"^\s*([0-9]+(\.[0-9]+)?|[0-9]+m)?\s*$"
DURATION = r"^\s*([0-9]+|([0-9]+h)?([0-9]+m)?([0-9]+(\.[0-9]+)?s)?([0-9]+ms)?)\s*$"


def read_cores(text: str) -> str:
    """Return cores as decimal text: "0.5" and "500m" are both half a core. Raises ValueError."""
    given = f"{int(text[:-1]) / 1000:g}" if MILLICPUS.fullmatch(text) else text
    if CPUS.fullmatch(given) and 0 < float(given) <= 1024:
        return f"{float(given):g}"
    raise ValueError(f"must be a number of cores such as 0.5 or 500m, not {shown(text)}")


def read_amount(text: str) -> str:
    """Return bytes in the largest unit that Compose reads without loss: "512Mi", "512 MB", "0.5g" are all 512M.

    Raises ValueError.
    """
    size = size_of(text)
    if size is None or not MIN_MEMORY_BYTES <= size <= 64 * UNITS["t"]:
        raise ValueError(f"must be an amount such as 512M or 2G, at least 6M, not {shown(text)}")
    return written(size)


def read_size(text: str) -> str:
    """Return an amount that may be as small as 1K. Raises ValueError."""
    size = size_of(text)
    if size is None or not UNITS["k"] <= size <= 64 * UNITS["t"]:
        raise ValueError(f"must be an amount such as 64M or 1G, not {shown(text)}")
    return written(size)


def size_of(text: str) -> int | None:
    """Return the bytes of an amount as people write it; None for what is none."""
    match = MEMORY.fullmatch(text)
    return round(float(match[1]) * UNITS[match[2].lower()]) if match else None


def written(size: int) -> str:
    """Return bytes as Compose reads them."""
    unit = next(unit for unit in "gmk" if size % UNITS[unit] == 0 or unit == "k")
    return f"{size // UNITS[unit]}{unit.upper()}"


def bytes_of(amount: str) -> int:
    """Return the bytes of an amount as `read_amount` gives it; none is 0."""
    return int(amount[:-1]) * UNITS[amount[-1].lower()] if amount else 0


def read_duration(text: str) -> str:
    """Return a span of time as Docker reads it: "90" and "1m30s" are both 1m30s. Raises ValueError."""
    match = SPAN.fullmatch(text)
    if SECONDS.fullmatch(text):
        milliseconds = int(text) * 1000
    elif match and text:
        hours, minutes, seconds, rest = (float(part or 0) for part in match.groups())
        milliseconds = round((hours * 3600 + minutes * 60 + seconds) * 1000 + rest)
    else:
        milliseconds = -1
    if not 0 <= milliseconds <= MAX_DURATION_SECONDS * 1000:
        raise ValueError(f"must be a time such as 30s or 1m30s, at most a day, not {shown(text)}")
    return _span(milliseconds)


def _span(milliseconds: int) -> str:
    if milliseconds % 1000:
        return f"{milliseconds}ms"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if number]
    return "".join(parts) or "0s"


def shown(text: str) -> str:
    """Return a value as it may stand in a message: one short line."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
