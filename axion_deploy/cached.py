"""How values are written to Redis."""

from __future__ import annotations


class NumberSerializer:
    """Numbers as text, nothing else: a cache of counts and moments needs no more, and text runs no code."""

    def dumps(self, value: object) -> int | str:
        """Raises TypeError for what is no number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"only numbers are cached, not a {type(value).__name__}")
        # Redis counts up and down what is written as a whole number.
        return value if isinstance(value, int) else repr(value)

    def loads(self, text: bytes) -> int | float | None:
        """What is no number counts as not there."""
        for read in (int, float):
            try:
                return read(text)
            except ValueError:
                continue
        return None
