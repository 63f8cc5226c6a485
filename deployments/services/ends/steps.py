"""What the steps of every end share."""

from __future__ import annotations


class Stuck(Exception):
    """It cannot go on by itself; the sentence is for people."""
