"""How English pages write a moment: unambiguous on both sides of the ocean, and with its zone."""

from __future__ import annotations

DATETIME_FORMAT = "j M Y, H:i:s e"
DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i:s"
