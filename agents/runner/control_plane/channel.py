"""The line to the control plane."""

from __future__ import annotations

from pathlib import Path

import grpc

from agents.limits import MAX_AGENT_RECEIVED_BYTES
from agents.runner.config import Config

OPTIONS = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", MAX_AGENT_RECEIVED_BYTES),
    # Our own pauses count: a channel that waits as well would let attempts fail without dialling.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]


def open_channel(config: Config) -> grpc.aio.Channel:
    """Open a channel, with TLS unless the address says otherwise. Call it inside the running loop."""
    if not config.secure:
        return grpc.aio.insecure_channel(config.address, options=OPTIONS)
    authorities = Path(config.ca_file).read_bytes() if config.ca_file else None
    return grpc.aio.secure_channel(config.address, grpc.ssl_channel_credentials(authorities), options=OPTIONS)
