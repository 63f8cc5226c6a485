"""What services share: networks, volumes, configs and secrets must be the stack's own."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from agents.runner.planning.model import Release
from agents.runner.policy.refusal import fixed, only, refuse, table
from agents.runner.policy.rules import Policy

NETWORK = frozenset({"name", "driver", "external", "internal", "attachable", "enable_ipv6", "labels", "driver_opts"})
NETWORK_DRIVERS = frozenset({"bridge", "overlay"})
VOLUME = frozenset({"name", "driver", "driver_opts", "external", "labels"})
TEXT = frozenset({"name", "content", "environment", "file", "labels"})
NETWORK_OPTIONS: tuple[object, ...] = (None, {}, {"encrypted": "true"})
OPTIONS = ("type", "o", "device")
IN_MEMORY = "tmpfs"


def check_shared(*, document: Mapping[str, Any], release: Release, policy: Policy) -> None:
    """Raise StepFailedError(invalid) for a part that belongs to the host, to somebody else, or to nobody we know."""
    for name, found in table(document.get("networks"), where="networks").items():
        network = table(found, where=f"networks.{name}")
        only(network, NETWORK, where=f"The network {name}")
        _check_owner("network", name, network, release=release, policy=policy)
        if network.get("driver", "bridge") not in NETWORK_DRIVERS:
            raise refuse(f"the network {name} has the driver {network['driver']!r}")
        if network.get("driver_opts") not in NETWORK_OPTIONS:
            raise refuse(f"the network {name} asks its driver for something else than encryption")
    for name, found in table(document.get("volumes"), where="volumes").items():
        volume = table(found, where=f"volumes.{name}")
        only(volume, VOLUME, where=f"The volume {name}")
        _check_owner("volume", name, volume, release=release, policy=policy)
        _check_driver(name, volume, policy=policy)
    for kind in ("configs", "secrets"):
        for name, found in table(document.get(kind), where=kind).items():
            _check_text(f"{kind}.{name}", table(found, where=f"{kind}.{name}"), release=release)


def _check_owner(kind: str, name: str, part: Mapping[str, Any], *, release: Release, policy: Policy) -> None:
    own = part.get("name")
    full = name if own is None else fixed(own, where=f"the name of the {kind} {name}")
    external = part.get("external", False)
    if isinstance(external, Mapping):
        # Compose takes the name from within it.
        raise refuse(f"the {kind} {name} says with a table that it is external")
    if external is False and (own is None or full.startswith(f"{release.stack}_")):
        return
    if kind == "volume" and external is True and policy.adopt and full in release.adopted_volumes:
        return
    if full not in policy.external:
        raise refuse(f"the {kind} {full} does not belong to the stack {release.stack}", key="external")


def _check_driver(name: str, volume: Mapping[str, Any], *, policy: Policy) -> None:
    """Raise StepFailedError for a volume that is made of a folder of the host: it is a mount of that folder."""
    if volume.get("driver", "local") != "local":
        raise refuse(f"the volume {name} has the driver {volume['driver']!r}")
    options = table(volume.get("driver_opts"), where=f"volumes.{name}.driver_opts")
    if not options:
        return
    only(options, OPTIONS, where=f"The volume {name} (driver_opts)")
    kind, flags, device = (fixed(options.get(key, ""), where=f"{key} of the volume {name}") for key in OPTIONS)
    if kind == IN_MEMORY and device in {"", IN_MEMORY} and "bind" not in flags:
        return
    if kind != "none" or not device.startswith("/"):
        raise refuse(f"the volume {name} is mounted as {kind} from {device!r}")
    if not policy.allows_path(device):
        raise refuse(f"the volume {name} mounts {device} of the host", key="bind_mounts")


def _check_text(where: str, part: Mapping[str, Any], *, release: Release) -> None:
    only(part, TEXT, where=where)
    variable = part.get("environment")
    if variable is not None and variable not in release.variable_names:
        raise refuse(f"{where} takes the variable {variable}, which the deployment does not have")
    if part.get("file") is None:
        return
    source = fixed(part["file"], where=f"the file of {where}")
    if posixpath.normpath(source) not in release.files:
        raise refuse(f"{where} reads {source!r}, which is not a file of the release")
