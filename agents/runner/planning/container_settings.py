"""How a container is set up, by aspect: as hashes that can be compared, and in words where nothing is secret. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from agents.addresses import is_loopback
from agents.limits import MAX_ERROR_BYTES, MIB
from agents.reports.observation import GIVEN_PORTS
from agents.reports.report_bounds import cut

# Compose and we write these anew at every deployment; they say nothing of how a container was set up.
OWN_LABELS = ("com.docker.compose.", "axion.")
LIMITS = ("Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares", "CpusetCpus", "PidsLimit", "ShmSize")
HASH_DIGITS = 16
# Names the key and, by its first letters, how the hashes are made: another number, and they cannot be compared.
KEY = "key"
FORMAT = "1"
# A volume that Docker named: each copy and each container that replaces another has its own.
UNNAMED_VOLUME = re.compile(r"[0-9a-f]{64}")
NANO = 1_000_000_000


def hashed_settings(inspected: Mapping[str, Any], *, key: bytes) -> dict[str, str]:
    """Return a hash under `key` for each aspect, and which key it is: no value can be told from it."""
    return hashed_aspects(_settings(inspected), key=key)


def hashed_aspects(aspects: Mapping[str, Any], *, key: bytes) -> dict[str, str]:
    hashes = {aspect: _hash(value, key=key) for aspect, value in aspects.items()}
    return {**hashes, KEY: f"{FORMAT}:{_hash('the key', key=key)[:8]}"}


def shown_settings(inspected: Mapping[str, Any]) -> dict[str, str]:
    """Return in words what holds no secret. Commands, labels and the environment may, so they are left out."""
    aspects = _settings(inspected)
    words = {
        "networks": ", ".join(aspects["networks"]),
        "ports": ", ".join(f"{ip + ':' if ip else ''}{port}->{inside}" for inside, ip, port in aspects["ports"]),
        "mounts": ", ".join(
            f"{name or kind} at {path}{'' if writable else ' (read-only)'}"
            for kind, name, path, writable in aspects["mounts"]
        ),
        "limits": ", ".join(_limits_in_words(inspected["HostConfig"])),
        "restart": aspects["restart"],
    }
    if given := _given_ports(inspected):
        words[GIVEN_PORTS] = ", ".join(given)
    return {aspect: cut(text or "none", MAX_ERROR_BYTES) for aspect, text in words.items()}


def _given_ports(inspected: Mapping[str, Any]) -> list[str]:
    """Return `HOST->CONTAINER` for each port that Docker chose on addresses that others reach.

    Nobody knows it before the container runs.
    """
    asked = inspected["HostConfig"].get("PortBindings") or {}
    present = (inspected.get("NetworkSettings") or {}).get("Ports") or {}
    found = set()
    for inside, bindings in asked.items():
        named = {binding.get("HostPort", "") for binding in bindings or ()}
        if named & {"", "0"}:
            open_here = [each for each in present.get(inside) or () if not is_loopback(each.get("HostIp", ""))]
            found |= {(each["HostPort"], inside) for each in open_here if each["HostPort"] not in named}
    return [f"{outside}->{inside}" for outside, inside in sorted(found)]


def common(of_copies: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return what all copies of a service have alike; nothing for no copy."""
    first, *others = [dict(each) for each in of_copies] or [{}]
    return {aspect: value for aspect, value in first.items() if all(each.get(aspect) == value for each in others)}


def _settings(inspected: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the container was set up, by aspect, in an order of its own."""
    config, host = inspected["Config"], inspected["HostConfig"]
    networks = inspected.get("NetworkSettings", {}).get("Networks") or {}
    labels = config.get("Labels") or {}
    return {
        "env": sorted(config.get("Env") or ()),
        "command": [config.get("Entrypoint"), config.get("Cmd"), config.get("User"), config.get("WorkingDir")],
        "mounts": sorted(_mount(mount) for mount in inspected.get("Mounts") or ()),
        "networks": sorted(networks),
        "ports": sorted(
            [inside, binding.get("HostIp", ""), binding.get("HostPort", "")]
            for inside, bindings in (host.get("PortBindings") or {}).items()
            for binding in bindings or ()
        ),
        "limits": [host.get(name) or 0 for name in LIMITS],
        "labels": sorted([name, value] for name, value in labels.items() if not name.startswith(OWN_LABELS)),
        "restart": (host.get("RestartPolicy") or {}).get("Name") or "no",
    }


def _mount(mount: Mapping[str, Any]) -> list[Any]:
    source = mount.get("Name") or mount.get("Source", "")
    named = "" if UNNAMED_VOLUME.fullmatch(source) else source
    return [mount["Type"], named, mount["Destination"], mount.get("RW", True)]


def _limits_in_words(host: Mapping[str, Any]) -> Iterable[str]:
    for name in LIMITS:
        value = host.get(name) or 0
        if name == "NanoCpus" and value:
            yield f"{value / NANO:g} CPUs"
        elif name in ("CpuShares", "CpusetCpus", "PidsLimit") and value:
            yield f"{name} {value}"
        elif name not in ("NanoCpus", "CpuShares", "CpusetCpus", "PidsLimit", "ShmSize") and value:
            yield f"{name} {value / MIB:g} MiB" if value > 0 else f"{name} unlimited"


def _hash(value: Any, *, key: bytes) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]
