"""Find the authority that an enrolment token names, before anything is said to whoever answers.

Whoever answers shows its certificates in the handshake. The one whose fingerprint the token holds is taken, and from
then on only a server that this authority signed for is spoken to. A man in the middle either shows other certificates,
and learns nothing, or shows the right one without the key to go on with.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

from agents.pki.names import GATEWAY_NAME
from agents.pki.tickets import pin_of
from agents.runner.errors import UnavailableError, UntrustedGatewayError

HANDSHAKE_SECONDS = 10.0
MAX_SHOWN = 10


async def fetch_authority(*, address: str, pin: str) -> bytes:
    """Return the certificate with this fingerprint that the server shows, as PEM.

    Raises UntrustedGatewayError when it shows none, UnavailableError when it cannot be reached.
    """
    try:
        shown = await asyncio.to_thread(_shown_by, address)
    except OSError as error:  # ssl.SSLError is one
        raise UnavailableError(f"No TLS with {address}: {error}") from error
    for certificate in shown[:MAX_SHOWN]:
        if pin_of(certificate) == pin:
            return ssl.DER_cert_to_PEM_cert(certificate).encode()
    raise UntrustedGatewayError(
        f"{address} does not show the certificate that the enrolment token names: it is another server, or somebody is"
        " in between, or the authority was replaced since. The token was not sent. Make a new one on the server's page."
    )


def _shown_by(address: str) -> list[bytes]:
    """Return the certificates that the server shows, unjudged. Blocks."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((host.strip("[]"), int(port)), timeout=HANDSHAKE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=GATEWAY_NAME) as line,
    ):
        return _chain_of(line)


def _chain_of(line: ssl.SSLSocket) -> list[bytes]:
    if hasattr(line, "get_unverified_chain"):  # from Python 3.13 on
        return [bytes(each) for each in line.get_unverified_chain()]
    inner: Any = line._sslobj  # type: ignore[attr-defined]  # before, only there
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in inner.get_unverified_chain() or ()]
