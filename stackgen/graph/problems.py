"""Collects problems while one node is read, so that reading never stops at the first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stackgen.errors import Problem

MEMORY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?) ?([kmgt]?)i?b?", re.IGNORECASE)
CPUS = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?")
MILLICPUS = re.compile(r"[0-9]{1,8}m")
TRUE, FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0", ""}
UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
MIN_MEMORY_BYTES = 6 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One node's config under way to typed values; what cannot be read is noted and replaced by a harmless value."""

    node_id: str
    node_name: str
    config: dict[str, str]
    problems: list[Problem] = field(default_factory=list)

    def note(self, field_name: str, message: str) -> None:
        self.problems.append(Problem(node_id=self.node_id, node_name=self.node_name, field=field_name, message=message))

    def text(self, key: str) -> str:
        return self.config.get(key, "").strip()

    def whole(self, key: str, *, lowest: int, highest: int) -> int | None:
        """Return the number; None when it is not set, or not a whole number between the two."""
        text = self.text(key)
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) < 10 and lowest <= int(text) <= highest:
            return int(text)
        self.note(f"config.{key}", f"must be a whole number from {lowest} to {highest}, not {shown(text)}")
        return None

    def flag(self, key: str, *, default: bool) -> bool:
        text = self.text(key).lower()
        if key not in self.config:
            return default
        if text not in TRUE | FALSE:
            self.note(f"config.{key}", f"must be true or false, not {shown(text)}")
        return text in TRUE

    def matching(self, key: str, pattern: re.Pattern[str], *, wanted: str) -> str:
        """Return the text; an empty one when it is not set or does not match."""
        text = self.text(key)
        if not text or pattern.fullmatch(text):
            return text
        self.note(f"config.{key}", f"must be {wanted}, not {shown(text)}")
        return ""

    def cpus(self, key: str) -> str:
        """Return cores as decimal text: "0.5" and "500m" are both half a core."""
        text = self.text(key)
        if MILLICPUS.fullmatch(text):
            text = f"{int(text[:-1]) / 1000:g}"
        if not text or (CPUS.fullmatch(text) and 0 < float(text) <= 1024):
            return f"{float(text):g}" if text else ""
        self.note(f"config.{key}", f"must be a number of cores such as 0.5 or 500m, not {shown(text)}")
        return ""

    def memory(self, key: str) -> str:
        """Return bytes in the largest unit that Compose reads without loss: "512Mi", "512 MB", "0.5g" are all 512M."""
        text = self.text(key)
        if not text:
            return ""
        match = MEMORY.fullmatch(text)
        size = round(float(match[1]) * UNITS[match[2].lower()]) if match else 0
        if not MIN_MEMORY_BYTES <= size <= 64 * UNITS["t"]:
            self.note(f"config.{key}", f"must be an amount such as 512M or 2G, at least 6M, not {shown(text)}")
            return ""
        unit = next(unit for unit in "gmk" if size % UNITS[unit] == 0 or unit == "k")
        return f"{size // UNITS[unit]}{unit.upper()}"


def bytes_of(amount: str) -> int:
    """Return the bytes of an amount as `Reading.memory` gives it; none is 0."""
    return int(amount[:-1]) * UNITS[amount[-1].lower()] if amount else 0


def shown(text: str) -> str:
    """Return a value as it may stand in a message: one short line."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
