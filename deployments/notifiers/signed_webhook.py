"""A webhook of our own, signed as Standard Webhooks 1.0 has it: HMAC-SHA256 over id.timestamp.body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from agents.wording.sentences import sentence
from deployments.data.notification_types import Message
from deployments.errors import Invalid
from deployments.notifiers.public_sockets import NOT_PUBLIC, NotAllowed, host_of, is_public, public_only

MAX_ADDRESS = 2000
# For each step of the exchange, and for all of it.
STEP_SECONDS = 10.0
WHOLE_SECONDS = 20.0
ACCEPTED = range(200, 300)


class NotDelivered(Exception):
    """A message did not go out; says why in words that hold no address and nothing that the receiver sent."""


def check(*, address: str) -> str:
    """Return what kind of receiver it is. Raises Invalid for what is no address of a webhook."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise _invalid(sentence("not an address")) from None
    if len(address) > MAX_ADDRESS or not address.isascii() or not address.isprintable() or " " in address:
        raise _invalid(
            sentence("at most {max_address} printable ASCII characters without blanks", max_address=MAX_ADDRESS)
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise _invalid(sentence("begins with https:// or http:// and names a host"))
    if parts.username is not None or parts.password is not None:
        raise _invalid(sentence("holds no user and no password: messages are signed instead"))
    literal = all(character in "0123456789.:abcdef" for character in parts.hostname)
    if literal and _is_address(parts.hostname) and not is_public(parts.hostname) and not _allowed(parts):
        raise _invalid(NOT_PUBLIC)
    return "webhook"


def send(*, message: Message, address: str, secret: str) -> None:
    """Post the message once, following no redirect. Raises NotDelivered."""
    parts = urlsplit(address)
    body = json.dumps(dict(message.content), separators=(",", ":"), sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "axion-deploy",
        "Connection": "close",
        **signature(message_id=str(message.id), at=int(time.time()), body=body, secret=secret),
    }
    try:
        status = _post(parts, body=body, headers=headers)
    except NotAllowed as error:
        raise NotDelivered(str(error)) from None
    except ssl.SSLError:
        raise NotDelivered(sentence("The receiver's certificate is not valid.")) from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotDelivered(
            sentence("The receiver could not be reached ({fault}).", fault=type(error).__name__)
        ) from None
    if status not in ACCEPTED:
        raise NotDelivered(sentence("The receiver answered with status {status}.", status=status))


def signature(*, message_id: str, at: int, body: bytes, secret: str) -> dict[str, str]:
    """Return the three headers by which a receiver knows the message, its age and that it is ours."""
    key = base64.b64decode(secret.partition("_")[2])
    signed = f"{message_id}.{at}.".encode() + body
    code = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": f"v1,{code}"}


def _post(parts: SplitResult, *, body: bytes, headers: dict[str, str]) -> int:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    made = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = made(parts.hostname or "", parts.port, timeout=STEP_SECONDS)
    # Steps have deadlines of their own; a receiver that sends a byte now and then has this one.
    watchdog = threading.Timer(WHOLE_SECONDS, _cut, args=[connection])
    watchdog.daemon = True
    watchdog.start()
    try:
        with public_only(allowed_hosts=_allowed(parts)):
            connection.request("POST", path, body=body, headers=headers)
            return connection.getresponse().status
    finally:
        watchdog.cancel()
        connection.close()


def _cut(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _allowed(parts: SplitResult) -> list[str]:
    """Return the names that the installation allows, of this address's host alone."""
    return [name for name in settings.AXION_NOTIFICATION_HOSTS if host_of(name) == (parts.hostname or "").lower()]


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _invalid(why: str) -> Invalid:
    return Invalid(sentence("The address of the webhook is not valid."), details={"address": why})
