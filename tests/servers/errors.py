"""Why the servers of the tests are not there."""

from __future__ import annotations


class Unavailable(Exception):
    """The text is one sentence for people: what is missing and how to get it."""
