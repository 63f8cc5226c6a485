"""The certificate that a caller proved to have; the port has checked by then who signed it and that it is not over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import grpc
from cryptography import x509

from agents.pki.certificates import serial_of

Call = grpc.aio.ServicerContext[Any, Any]
MAX_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Presented:
    """`serial` in hex."""

    serial: str
    valid_until: datetime


def presented_by(context: Call) -> Presented | None:
    """Return the certificate of the caller; None on a port that asks for none."""
    if not _is_tls(context):
        return None
    shown = context.auth_context().get("x509_pem_cert")
    return _read(next(iter(shown))) if shown else None


def serial_by(context: Call) -> str:
    """Return the serial number of the caller's certificate; empty for none."""
    presented = presented_by(context)
    return presented.serial if presented else ""


def _is_tls(context: Call) -> bool:
    # Over the broker no TLS of ours is spoken, and agents there have no certificate.
    return hasattr(context, "auth_context")


@lru_cache(maxsize=MAX_REMEMBERED)
def _read(pem: bytes) -> Presented:
    certificate = x509.load_pem_x509_certificate(pem)
    return Presented(serial=serial_of(certificate), valid_until=certificate.not_valid_after_utc)
