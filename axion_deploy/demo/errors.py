"""How the demo can end badly; each text is written for the person at the terminal."""

from __future__ import annotations


class DemoError(Exception):
    """Something did not work: exit code 1."""


class MissingPiece(DemoError):
    """The machine lacks something that only its owner can provide: exit code 3."""


class DeadlinePassed(DemoError):
    """The demo as a whole took too long."""


class Interrupted(DemoError):
    """Somebody asked us to stop."""
