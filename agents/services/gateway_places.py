"""Where agents reach the gateway and how they know it: what stands in an enrolment token beside its secret."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from agents.addresses import host_of, is_loopback
from agents.pki.tickets import PLAIN
from agents.services import authority

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
ANY_HOST = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 (not bound here)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlace:
    """`pin` as in a token; `address` is host:port."""

    pin: str
    address: str


def place_for(*, reached_by: str, now: datetime) -> GatewayPlace:
    """Return the gateway's place for a machine that reaches it by this host name or address, without a port."""
    host = reached_by or first_name()
    port = settings.AXION_GATEWAY_BIND.rpartition(":")[2]
    bare = host.strip("[]")
    return GatewayPlace(pin=_pin(now=now), address=f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}")


def speaks_plainly() -> bool:
    """Tell whether the gateway's first port is not encrypted: on loopback, and where a setting says so."""
    if settings.AXION_GATEWAY_TLS_CERT:
        return False
    return settings.AXION_GATEWAY_PLAINTEXT or stays_on_this_machine()


def stays_on_this_machine() -> bool:
    """Tell whether only this machine reaches the gateway's first port; false for anything unclear."""
    reached = settings.AXION_GATEWAY_PUBLISH or settings.AXION_GATEWAY_BIND
    return bool(reached.startswith("unix:")) or is_loopback(host_of(reached))


def gateway_names() -> tuple[str, ...]:
    """Return the names and addresses that the gateway's certificate is for; the first is what tokens say."""
    named = [host for host in settings.ALLOWED_HOSTS if host != "*" and not host.startswith(".")]
    local = [socket.gethostname(), *LOCAL_NAMES]
    return tuple(dict.fromkeys(name.strip("[]") for name in [*settings.AXION_GATEWAY_NAMES, *named, *local]))


def first_name() -> str:
    """Return the name of the gateway that is best for other machines."""
    names = gateway_names()
    return next((name for name in names if not is_loopback(name)), names[0]) if not speaks_plainly() else names[0]


def mutual_bind() -> str:
    """Return where the gateway listens for agents with a certificate: by itself the port above its first one."""
    if settings.AXION_GATEWAY_MUTUAL_BIND:
        return str(settings.AXION_GATEWAY_MUTUAL_BIND)
    host, _, port = settings.AXION_GATEWAY_BIND.rpartition(":")
    if not port.isdigit():
        return ""
    return f"{host}:{int(port) + 1 if int(port) else 0}"


def mutual_address(*, reached_by: str) -> str:
    """Return host:port of the second port for a machine that reaches the first one by this host; empty for none."""
    if speaks_plainly():
        return ""
    bare, port = reached_by.strip("[]"), mutual_bind().rpartition(":")[2]
    named = f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"
    return str(settings.AXION_GATEWAY_MUTUAL_ADDRESS) or (named if port else "")


def _pin(*, now: datetime) -> str:
    if settings.AXION_GATEWAY_TLS_CERT:
        return ""
    return PLAIN if speaks_plainly() else authority.pin(now=now)
