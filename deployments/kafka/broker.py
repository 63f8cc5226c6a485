"""How we reach Kafka: brokers, deadlines and security, alike for every client."""

from __future__ import annotations

import socket
from typing import Any

from django.conf import settings
from kafka.errors import KafkaConnectionError, KafkaError

# What a broker that is away, or half away, raises: its library's errors and those of the sockets below.
BROKER_AWAY = (KafkaError, OSError)
ANSWER_MS = 5_000
CONNECT_SECONDS = 2.0


def connection(*, client_id: str) -> dict[str, Any]:
    """Return the settings that every client of kafka-python takes. No wait in it is longer than ANSWER_MS.

    Raises KafkaConnectionError when no broker accepts connections.
    """
    # A client that starts without a broker waits for its whole deadline and leaves sockets behind.
    if not any(_accepts(address) for address in settings.KAFKA_BROKERS):
        raise KafkaConnectionError("No broker accepts connections.")
    return {
        "bootstrap_servers": list(settings.KAFKA_BROKERS),
        "client_id": client_id,
        "bootstrap_timeout_ms": ANSWER_MS,
        "request_timeout_ms": ANSWER_MS,
        "reconnect_backoff_max_ms": 1_000,
        **_security(),
    }


def _security() -> dict[str, Any]:
    """Return what AXION_KAFKA_SECURITY asks for. A broker's certificate must bear the name by which it is reached."""
    protocol = settings.AXION_KAFKA_SECURITY
    chosen: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        paths = {
            "ssl_cafile": settings.AXION_KAFKA_CA,
            "ssl_certfile": settings.AXION_KAFKA_CERT,
            "ssl_keyfile": settings.AXION_KAFKA_KEY,
        }
        chosen |= {"ssl_check_hostname": True, **{name: path for name, path in paths.items() if path}}
    if protocol.startswith("SASL"):
        chosen |= {
            "sasl_mechanism": settings.AXION_KAFKA_SASL,
            "sasl_plain_username": settings.AXION_KAFKA_USER,
            "sasl_plain_password": settings.AXION_KAFKA_PASSWORD,
        }
    return chosen


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True
