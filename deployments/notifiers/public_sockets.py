"""What code that sends to addresses of users may do: connect to public addresses, and read no files of ours.

The check is made by an audit hook of the interpreter (PEP 578), at the moment of connecting and on the address itself,
for whatever library connects: a name that resolves to something else by then, or a redirect, gains nothing.
"""

from __future__ import annotations

import os
import site
import socket
import ssl
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

NOT_PUBLIC = "The address is private or local; the installation has to allow it by name (AXION_NOTIFICATION_HOSTS)."
OTHERWISE = "The address asks for something other than sending."
# An IPv4 address within an IPv6 one, as translators have it (RFC 6052, RFC 8215).
TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
# What starts programs, loads code, or leaves this thread, where no check would follow.
NEVER = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.remove",
     "os.rename", "socket.bind", "syslog.syslog"}
)  # fmt: skip


class NotAllowed(OSError):
    """Code that sends to an address of a user tried what it may not."""


class _Guarded(threading.local):
    hosts: Collection[str] | None = None
    refused = ""


_guarded = _Guarded()


@contextmanager
def public_only(*, allowed_hosts: Collection[str]) -> Iterator[None]:
    """Hold this thread to public addresses, and to those that the allowed names (`host` or `host:port`) have.

    Raises NotAllowed at the end when something was refused, also where a library has swallowed that.
    """
    _install()
    _guarded.hosts, _guarded.refused = allowed_hosts, ""
    try:
        yield
    finally:
        _guarded.hosts = None
    if _guarded.refused:
        raise NotAllowed(_guarded.refused)


def is_public(address: str) -> bool:
    """Return whether it is an address of the internet at large; False for what is no address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _within(parsed)
    return parsed.is_global and not parsed.is_multicast and (inner is None or is_public(str(inner)))


def _within(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to, if any."""
    if isinstance(address, IPv4Address):
        return None
    if any(address in network for network in TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


_installed = threading.Lock()
_hooks: list[Any] = []


def _install() -> None:
    """Add the hook, once per process: one can never be taken away."""
    with _installed:
        if not _hooks:
            sys.addaudithook(_judge)
            _hooks.append(threading.Thread.start)
            # Python tells of new threads only from 3.12 on, and another thread would not be held to anything.
            threading.Thread.start = _start  # type: ignore[method-assign, assignment]  # on purpose, for every thread there is


def _start(thread: threading.Thread) -> None:
    if _guarded.hosts is not None:
        _refuse(OTHERWISE)
    _hooks[0](thread)


def _judge(event: str, arguments: tuple[Any, ...]) -> None:
    hosts = _guarded.hosts
    if hosts is None:
        return
    if event in CONNECTING:
        _guarded.hosts = None
        try:
            allowed = _may_connect(arguments[1], hosts)
        finally:
            _guarded.hosts = hosts
        if not allowed:
            _refuse(NOT_PUBLIC)
    elif event == "open" and not _may_open(arguments[0], arguments[2]):
        _refuse("The address names a file of the control plane.", path=arguments[0])
    elif event in NEVER:
        _refuse(OTHERWISE)


def _refuse(why: str, *, path: Any = "") -> None:
    # A module that is imported just now may not store its compiled form, which harms nobody.
    if "__pycache__" not in str(path):
        _guarded.refused = _guarded.refused or why
    raise NotAllowed(why)


def _may_connect(address: Any, hosts: Collection[str]) -> bool:
    if not isinstance(address, tuple) or not isinstance(address[0], str):
        return False
    host, port = address[0], int(address[1])
    if is_public(host):
        return True
    return any(host in _addresses(name) for name in hosts if _port_of(name) in (None, port))


def _port_of(name: str) -> int | None:
    host, _, port = name.rpartition(":")
    return int(port) if host and port.isdigit() and (":" not in host or host.endswith("]")) else None


def host_of(name: str) -> str:
    """Return the host of an allowed name, without its port and brackets."""
    host = name.rpartition(":")[0] if _port_of(name) is not None else name
    return host.strip("[]").lower()


def _addresses(name: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host_of(name), None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()


def _may_open(path: Any, flags: Any) -> bool:
    """Return whether it is a file of the installed software or of the system's certificates, to be read."""
    if isinstance(path, int):
        return True
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    real = os.path.realpath(os.fsdecode(path))
    return not writes and any(real == each or real.startswith(f"{each}/") for each in _readable())


def _readable() -> tuple[str, ...]:
    verify = ssl.get_default_verify_paths()
    configured = [os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")]
    packages = [each for each in sys.path if os.path.basename(each) == "site-packages"]
    found = [
        sys.prefix, os.path.join(sys.base_prefix, "lib"), "/usr/share/zoneinfo", "/etc/mime.types",
        # Not all of its folder: keys lie there, too.
        "/etc/ssl/certs", "/etc/ssl/openssl.cnf", *site.getsitepackages(), *packages, *configured,
        verify.cafile or "", verify.capath or "",
    ]  # fmt: skip
    return tuple(os.path.realpath(each) for each in found if each)
