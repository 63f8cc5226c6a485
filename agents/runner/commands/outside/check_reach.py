"""The check_reach command: can this host open a TCP connection to what lies elsewhere?

The control plane names the endpoints, so this asks no further than a container of a stack could: loopback and
link-local addresses and those of other containers are refused here, after the name was looked up, and the address that
was judged is the one that is connected to. Nothing is said on a connection.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_ENDPOINTS
from agents.runner.commands.context import Work

CONNECT_SECONDS = 5.0
# Of all together: a name server that does not answer has no deadline of its own.
WHOLE_SECONDS = 15.0
MAX_ADDRESSES = 4

REACHED, REFUSED, TIMED_OUT = "reached", "refused", "timed_out"
UNRESOLVED, UNREACHABLE, FORBIDDEN = "unresolved", "unreachable", "forbidden"
IN_WORDS = {
    REACHED: "A TCP connection was accepted; nobody signed in.",
    REFUSED: "The connection was refused: nothing listens on that port, or a firewall says so.",
    TIMED_OUT: f"No answer within {CONNECT_SECONDS:.0f} s.",
    UNRESOLVED: "The server cannot find an address for that name.",
    UNREACHABLE: "The server has no way there.",
    FORBIDDEN: "Not tried: it leads to an address inside the server, which no container of the project could reach.",
}


@dataclass(frozen=True, kw_only=True)
class Inside:
    """What lies inside this host: networks of containers, but for their gateways, where programs of the host listen."""

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    gateways: frozenset[ipaddress.IPv4Address | ipaddress.IPv6Address] = frozenset()

    @classmethod
    def of(cls, ranges: Iterable[tuple[str, str]]) -> Inside:
        """Read subnets and gateways as Docker tells them."""
        known = list(ranges)
        return cls(
            networks=tuple(ipaddress.ip_network(subnet, strict=False) for subnet, _ in known),
            gateways=frozenset(ipaddress.ip_address(gateway) for _, gateway in known if gateway),
        )

    def has(self, address: str) -> bool:
        """Whether the address leads to this host alone, to another stack, or to services that only machines ask."""
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        found = mapped or found
        special = found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast
        if special or found.is_reserved:
            return True
        return found not in self.gateways and any(found in network for network in self.networks)


def check_reach(work: Work) -> None:
    """Try all endpoints at once and end with the command's last report. Safe to repeat: it changes nothing."""
    work.interrupt.check()
    endpoints = work.command.check_reach.endpoints[:MAX_ENDPOINTS]
    inside = Inside.of(work.host.network_ranges())
    finished = pb.CommandFinished(outcome=pb.SUCCEEDED, endpoints=reach_all(endpoints, inside=inside))
    work.reporter.finished(finished, also=lambda: None)


def reach_all(
    endpoints: Sequence[pb.Endpoint], *, inside: Inside, whole_seconds: float = WHOLE_SECONDS
) -> list[pb.EndpointReached]:
    """Return what became of each, in their order, within `whole_seconds`."""
    answers: queue.SimpleQueue[tuple[int, pb.EndpointReached]] = queue.SimpleQueue()
    for index, endpoint in enumerate(endpoints):
        # A thread that hangs in the resolver ends when that gives up; it must not keep the agent from stopping.
        threading.Thread(target=_answer, args=(index, endpoint, inside, answers), daemon=True).start()
    found: dict[int, pb.EndpointReached] = {}
    give_up_at = time.monotonic() + whole_seconds
    while len(found) < len(endpoints) and (left := give_up_at - time.monotonic()) > 0:
        try:
            index, answer = answers.get(timeout=left)
        except queue.Empty:
            break
        found[index] = answer
    late = f"No answer within {whole_seconds:.0f} s."
    return [
        found.get(index) or pb.EndpointReached(node_id=each.node_id, outcome=TIMED_OUT, message=late)
        for index, each in enumerate(endpoints)
    ]


def _answer(
    index: int, endpoint: pb.Endpoint, inside: Inside, answers: queue.SimpleQueue[tuple[int, pb.EndpointReached]]
) -> None:
    began = time.monotonic()
    outcome = reach(endpoint.host, endpoint.port, inside=inside)
    milliseconds = 0 if outcome in (FORBIDDEN, UNRESOLVED) else round((time.monotonic() - began) * 1000)
    answer = pb.EndpointReached(
        node_id=endpoint.node_id, outcome=outcome, message=IN_WORDS[outcome], milliseconds=milliseconds
    )
    answers.put((index, answer))


def reach(host: str, port: int, *, inside: Inside) -> str:
    """Return the outcome of connecting to the first of its addresses that answers in any way."""
    try:
        addresses = _addresses(host)
    except (OSError, UnicodeError):
        return UNRESOLVED
    if any(inside.has(address) for address in addresses):
        return FORBIDDEN
    outcome = UNRESOLVED
    give_up_at = time.monotonic() + CONNECT_SECONDS
    for address in addresses:
        outcome = _connect(address, port, seconds=max(0.1, give_up_at - time.monotonic()))
        if outcome == REACHED or time.monotonic() >= give_up_at:
            break
    return outcome


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))[:MAX_ADDRESSES]


def _connect(address: str, port: int, *, seconds: float) -> str:
    try:
        socket.create_connection((address, port), timeout=seconds).close()
    except ConnectionRefusedError:
        return REFUSED
    except TimeoutError:
        return TIMED_OUT
    except OSError:
        return UNREACHABLE
    return REACHED
