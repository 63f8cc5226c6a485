"""The enrolment token as one string: a one-time secret, whom to trust with it, and where to go.

    axe_SECRET.PIN.ADDRESS

SECRET and PIN hold no dot, so an address with dots is the rest. A bare secret is a token of a former release.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

PLAIN = "plain"
PIN_LENGTH = 43
MAX_TICKET = 500
# An address never holds what a shell or a URL would take apart.
ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}")
PIN = re.compile(rf"[A-Za-z0-9_-]{{{PIN_LENGTH}}}")


class MalformedTicket(ValueError):
    """The text is no enrolment token; the sentence says why, without quoting it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """`pin` is the fingerprint of the authority that signed for the gateway.

    An empty one leaves the judgement to the system's authorities, PLAIN says that the line is not encrypted, and None
    that the token says nothing of it. `address` is host:port, empty where the token names none.
    """

    secret: str = field(repr=False)
    pin: str | None = None
    address: str = ""


def format_ticket(*, secret: str, pin: str, address: str) -> str:
    """Return the token as people paste it."""
    return f"{secret}.{pin}.{address}"


def parse_ticket(text: str) -> Ticket:
    """Read a token of this or a former release. Raises MalformedTicket."""
    if len(text) > MAX_TICKET:
        raise MalformedTicket("The enrolment token is too long.")
    secret, *rest = text.split(".", 2)
    if not rest:
        return Ticket(secret=secret)
    if len(rest) < 2 or not ADDRESS.fullmatch(rest[1]):
        raise MalformedTicket("The enrolment token is not whole: copy all of it, up to the port.")
    if rest[0] not in ("", PLAIN) and not PIN.fullmatch(rest[0]):
        raise MalformedTicket("The enrolment token is not whole: its fingerprint is not one.")
    return Ticket(secret=secret, pin=rest[0], address=rest[1])


def secret_in(text: str) -> str:
    """Return the part that is secret, whatever the rest is."""
    return text.partition(".")[0]


def pin_of(certificate_der: bytes) -> str:
    """Return the fingerprint of a certificate as tokens name it."""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate_der).digest()).rstrip(b"=").decode()
