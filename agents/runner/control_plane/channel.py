"""Channels to the gateway: its first port by TLS or plainly, its second one by mutual TLS."""

from __future__ import annotations

from pathlib import Path

import grpc

from agents.limits import MAX_AGENT_RECEIVED_BYTES
from agents.pki.names import GATEWAY_NAME
from agents.pki.tickets import PLAIN
from agents.runner.config import Config
from agents.runner.control_plane.certificate import Certificate
from agents.runner.control_plane.pinning import fetch_authority

OPTIONS = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", MAX_AGENT_RECEIVED_BYTES),
    # Our own pauses count: a channel that waits as well would let attempts fail without dialling.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]
# Our own authority signs for no server but the gateway, so by this name it is known wherever it is reached.
AS_GATEWAY = [*OPTIONS, ("grpc.ssl_target_name_override", GATEWAY_NAME)]


def open_channel(config: Config) -> grpc.aio.Channel:
    """Open a channel to the first port, judged by the system's authorities or `ca_file`. Inside the running loop."""
    if not config.secure:
        return grpc.aio.insecure_channel(config.address, options=OPTIONS)
    authorities = Path(config.ca_file).read_bytes() if config.ca_file else None
    return grpc.aio.secure_channel(config.address, grpc.ssl_channel_credentials(authorities), options=OPTIONS)


async def open_enrolling_channel(config: Config) -> grpc.aio.Channel:
    """Open the channel on which the token's secret is sent: only to the gateway that the token names.

    Raises UntrustedGatewayError before anything was said, or UnavailableError.
    """
    pin = config.ticket.pin
    if not config.secure or pin in (None, "", PLAIN):
        return open_channel(config)
    authority = await fetch_authority(address=config.address, pin=str(pin))
    return grpc.aio.secure_channel(config.address, grpc.ssl_channel_credentials(authority), options=AS_GATEWAY)


def open_mutual_channel(*, address: str, certificate: Certificate) -> grpc.aio.Channel:
    """Open a channel on which both sides prove who they are."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=certificate.authorities.encode(),
        private_key=certificate.private_key.encode(),
        certificate_chain=certificate.certificate.encode(),
    )
    return grpc.aio.secure_channel(address, credentials, options=AS_GATEWAY)
