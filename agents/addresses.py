"""Whose address counts, for sign-in, REST, sockets, the agents' gateway and the access log; and which is our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# Of a header that anybody may fill: no real chain of proxies is longer.
MAX_HOPS = 20
# What a provider gives one customer at least: whoever has one address of it has them all.
IPV6_CUSTOMER_BITS = 64
# What a port follows: a bracket, or a host without colons of its own.
BEFORE_PORT = re.compile(r"(\]|^[^:]*):\w*$")


def client_of(*, peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Return the address that the request came from: `peer`, or what a trusted proxy says in `forwarded`.

    Read from the right, because each proxy adds whom it saw: the first that is not a trusted proxy itself.
    """
    found = _address(peer)
    if found is None:
        return peer
    hops = [hop.strip() for hop in forwarded.split(",")[-MAX_HOPS:]] if forwarded else []
    while hops and is_trusted(found, trusted=trusted):
        hop = _address(hops.pop())
        if hop is None:
            break
        found = hop
    return str(found)


def is_trusted(address: str | IPv4Address | IPv6Address, *, trusted: Sequence[Network]) -> bool:
    """Tell whether a proxy at this address is believed."""
    found = _address(address) if isinstance(address, str) else address
    return found is not None and any(found in network for network in trusted)


def counting_key(address: str) -> str:
    """Return what stands for this address where tries are counted; for IPv6 the network that one customer has."""
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, IPV6_CUSTOMER_BITS), strict=False))
    return address if found is None else str(found)


def host_of(address: str) -> str:
    """Return a name or an address without its port, if it has one; brackets stay."""
    return address.rpartition(":")[0] if BEFORE_PORT.search(address) else address


def is_loopback(host: str) -> bool:
    """Tell whether the host, without a port, is this machine itself: localhost, 127.0.0.0/8 or ::1."""
    bare = host.strip("[]").casefold()
    try:
        return bare == "localhost" or ip_address(bare).is_loopback
    except ValueError:
        return False


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read "192.0.2.1", "192.0.2.1:80", "2001:db8::1" or "[2001:db8::1]:80"; return None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
