"""Keys that bring something into a container: volumes, files, ports beside the main one."""

from __future__ import annotations

import ipaddress
import posixpath
import re

from stackgen.keys.amounts import shown
from stackgen.keys.form import Form, listed, matching, verbatim
from stackgen.keys.key import ALL, Key
from stackgen.nodes import PublishedPort, VolumeMount

VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
VOLUME_WANTED = "letters, digits, _, . and -, at most 60"
# A colon would end the path in Docker's short form.
INSIDE = re.compile(r"/[^:\x00-\x1f\x7f\\$]{1,500}")
INSIDE_WANTED = "a path in the container such as /data"
MOUNT = re.compile(rf"{INSIDE.pattern}(?::ro|:rw)?")
MODE = re.compile(r"0?[0-7]{3}")
PORTS = re.compile(
    r"(?:(?:(?P<address>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]{2,45}\]):)?(?P<outside>\d{1,5}(?:-\d{1,5})?)?:)?"
    r"(?P<inside>\d{1,5}(?:-\d{1,5})?)(?:/(?P<protocol>tcp|udp))?"
)
PORTS_WANTED = "such as 8080:80, 127.0.0.1:5432:5432, 51820:51820/udp, 3000-3005:3000-3005, or 80 for any free port"
# Docker runs a process for each port that it publishes.
MAX_RANGE = 200
MAX_PORT = 65535


def read_path(given: str) -> str:
    """Return a path in a container without detours. Raises ValueError for what is none, and for the root."""
    if not INSIDE.fullmatch(given):
        raise ValueError(f"must be {INSIDE_WANTED}, not {shown(given)}")
    path = posixpath.normpath(f"/{given.lstrip('/')}")
    if path == "/" or ".." in given.split("/"):
        raise ValueError(f"must be {INSIDE_WANTED}, not {shown(given)}")
    return path


def _mount(given: str) -> VolumeMount:
    path, _, option = given.partition(":")
    return VolumeMount(path=read_path(path), read_only=option == "ro")


def _ports(given: str) -> tuple[PublishedPort, ...]:
    match = PORTS.fullmatch(given)
    if match is None or given.startswith(":"):
        raise ValueError(f"must be {PORTS_WANTED}, not {shown(given)}")
    inside = _range(match["inside"], given)
    outside = _range(match["outside"], given) if match["outside"] else [None] * len(inside)
    if len(outside) != len(inside):
        raise ValueError(f"must be as many ports of the host as of the container, not {shown(given)}")
    address = _address(match["address"] or "", given)
    return tuple(
        PublishedPort(address=address, outside=one, inside=other, protocol=match["protocol"] or "tcp")
        for one, other in zip(outside, inside, strict=True)
    )


def _range(text: str, given: str) -> range:
    first, _, last = text.partition("-")
    ports = range(int(first), int(last or first) + 1)
    if not ports or ports[0] < 1 or ports[-1] > MAX_PORT or len(ports) > MAX_RANGE:
        raise ValueError(f"must be ports from 1 to {MAX_PORT}, at most {MAX_RANGE} of a range, not {shown(given)}")
    return ports


def _address(text: str, given: str) -> str:
    """Return an address of the host, of all its addresses as none."""
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise ValueError(f"must be {PORTS_WANTED}, not {shown(given)}") from None
    return "" if address == ipaddress.IPv4Address(0) else str(address)


def _volume_form() -> Form:
    return matching(MOUNT, f"{INSIDE_WANTED}, or /data:ro", change=_mount)


DATA = (
    Key(name="volume.", follows="NAME", field="volumes", nodes=ALL, group="Data", form=_volume_form(),
        named=VOLUME_NAME, named_wanted=VOLUME_WANTED,
        meaning="a volume of this node, mounted there; it belongs to the node's id, so a renamed node keeps its data"),
    Key(name="sharedVolume.", follows="NAME", field="shared_volumes", nodes=ALL, group="Data", form=_volume_form(),
        named=VOLUME_NAME, named_wanted=VOLUME_WANTED,
        meaning="a volume of the project: nodes that say the same name share it, on one machine"),
    Key(name="file.", follows="/PATH", field="files", nodes=ALL, group="Data", form=verbatim("the text of the file"),
        named=INSIDE, named_wanted=INSIDE_WANTED, meaning="a file at this path of the container, to be read"),
    Key(name="fileMode.", follows="/PATH", field="file_modes", nodes=ALL, group="Data",
        form=matching(MODE, "an octal mode such as 0644", change=lambda text: int(text, 8)),
        named=INSIDE, named_wanted=INSIDE_WANTED, meaning="the mode of that file, 0444 without it"),
    Key(name="ports", field="ports", nodes=ALL, group="Data", form=listed(_ports, f"items {PORTS_WANTED}"),
        meaning="further ports of the host, parted by blanks, commas or lines: `[ADDRESS:]HOST:CONTAINER[/udp]`; "
        "`CONTAINER` alone for any port that is free"),
)  # fmt: skip
