"""Why a server of our own cannot run."""

from __future__ import annotations


class EmbeddedError(Exception):
    """The text is a sentence for people, with the end of the log where there is one."""


class NotAvailable(EmbeddedError):
    """No program for this server was found, or none that may run here."""


class NotReady(EmbeddedError):
    """The program ended or did not answer before the deadline."""
