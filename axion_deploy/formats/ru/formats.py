"""How Russian pages write a moment, with its zone."""

from __future__ import annotations

DATETIME_FORMAT = "j E Y, H:i:s e"
DATE_FORMAT = "j E Y"
TIME_FORMAT = "H:i:s"
