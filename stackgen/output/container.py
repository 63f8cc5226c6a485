"""What the graph says of a node's container, in words that Compose and Swarm share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stackgen.databases.kind import Volume
from stackgen.keys.amounts import bytes_of
from stackgen.nodes import MemoryMount, Ulimit
from stackgen.parts.environment import plain
from stackgen.parts.types import MountedFile, Part, SecretFile
from stackgen.yaml import Value

# Far above what servers of many threads need, far below what a host has; podman has the same default.
MAX_PROCESSES = 2048
# In names: never the beginning of a hash, which the volumes of nodes have there.
SHARED = "shared"
LOG_BOUNDS = {"max-size": "10m", "max-file": "3"}
LOGGING: Mapping[str, Value] = {"driver": "json-file", "options": LOG_BOUNDS}
# Nobody may make raw packets in its neighbours' names.
NEVER_KEPT = ("NET_RAW",)


def container_of(part: Part) -> dict[str, Value]:
    """Return what shapes the container itself, without what the graph does not say."""
    settings = part.node.settings
    given: dict[str, Value] = {
        "user": settings.run_as,
        "working_dir": settings.working_dir and plain(settings.working_dir),
        "labels": declared_labels(part),
        "stop_signal": settings.stop_signal,
        "read_only": settings.read_only,
        "ulimits": {name: _limit(limit) for name, limit in sorted(settings.ulimits.items())},
        "extra_hosts": [f"{name}:{address}" for name, address in sorted(settings.extra_hosts.items())],
        "sysctls": {name: plain(text) for name, text in sorted(settings.sysctls.items())},
        "tty": settings.tty,
        "stdin_open": settings.stdin_open,
        "dns": list(settings.dns),
        "dns_search": list(settings.dns_search),
        "cap_add": list(settings.cap_add),
    }
    return {key: value for key, value in given.items() if value}


def _limit(limit: Ulimit) -> Value:
    return limit.soft if limit.soft == limit.hard else {"soft": limit.soft, "hard": limit.hard}


def init_of(part: Part) -> bool | None:
    """Return whether a small program is the first one in the container; None where the engine's default holds."""
    asked = part.node.settings.init
    return asked if asked is not None else (True if part.bundle_digest else None)


def hostname_of(part: Part) -> str | None:
    return part.node.settings.hostname or (part.name if part.fixed_hostname else None)


def networks_of(part: Part, names: Sequence[str]) -> Value:
    """Return the networks of a part, with the further names that it has there."""
    aliases = list(dict.fromkeys((*part.node.settings.aliases, *part.aliases)))
    return {name: {"aliases": list(aliases)} for name in names} if aliases else list(names)


def dropped(part: Part) -> Value:
    """Return the rights that a container loses: by itself that to raw packets, where the graph does not ask for it."""
    settings = part.node.settings
    if "ALL" in settings.cap_drop:
        return ["ALL"]
    by_itself = [name for name in NEVER_KEPT if name not in settings.cap_add]
    return list(dict.fromkeys([*by_itself, *settings.cap_drop]))


def logging_of(part: Part) -> Value:
    """Return where the output of a container goes, within a bound."""
    settings = part.node.settings
    if not settings.log_driver and not settings.log_options:
        return LOGGING
    driver = settings.log_driver or "json-file"
    options = {**LOG_BOUNDS, **settings.log_options} if driver != "none" else dict(settings.log_options)
    logging: dict[str, Value] = {"driver": driver}
    return {**logging, "options": {name: plain(text) for name, text in options.items()}} if options else logging


def declared_labels(part: Part) -> dict[str, Value]:
    """Return the labels that the graph gives a node."""
    return {name: plain(text) for name, text in sorted(part.node.settings.labels.items())}


def config_of(file: MountedFile) -> dict[str, Value]:
    """Return how a service mounts a file of ours."""
    entry: dict[str, Value] = {"source": file.name, "target": file.target}
    return entry if file.mode is None else {**entry, "mode": file.mode}


def secret_of(file: SecretFile) -> dict[str, Value]:
    """Return how a service finds the value of a variable as a file."""
    entry: dict[str, Value] = {"source": file.name, "target": plain(file.target)}
    return entry if file.mode is None else {**entry, "mode": file.mode}


def mounts(part: Part) -> list[Value]:
    """Return volumes by their name in the file, paths of the host where the graph asks for them, and memory."""
    settings = part.node.settings
    named = [f"{volume_key(part, volume)}:{volume.path}{':ro' if volume.read_only else ''}" for volume in part.volumes]
    of_host = [
        f"{mount.path}:{path}{':ro' if mount.read_only else ''}" for path, mount in sorted(settings.host_paths.items())
    ]
    in_memory = [_memory(path, mount) for path, mount in sorted(settings.tmpfs.items())]
    return [*named, *of_host, *in_memory]


def _memory(path: str, mount: MemoryMount) -> Value:
    options: dict[str, Value] = {"size": bytes_of(mount.size) or None, "mode": mount.mode}
    options = {key: value for key, value in options.items() if value is not None}
    entry: dict[str, Value] = {"type": "tmpfs", "target": path}
    return {**entry, "tmpfs": options} if options else entry


def volume_key(part: Part, volume: Volume) -> str:
    """Return the name of a volume in the file. No two meet: names of services hold no dot and no two dashes."""
    if volume.shared:
        return f"{SHARED}--{volume.name}"
    return f"{part.name}{'.' if volume.is_declared else '-'}{volume.name}"


def resources(part: Part) -> dict[str, Value]:
    """Return Compose's and Swarm's `resources`: what the graph sets, and always a bound on processes and threads."""
    settings = part.node.settings
    given: dict[str, dict[str, Value]] = {
        "limits": {"cpus": settings.cpu, "memory": settings.memory, "pids": settings.processes or MAX_PROCESSES},
        "reservations": {"cpus": settings.cpu_reservation, "memory": settings.memory_reservation},
    }
    set_ones = {kind: {name: value for name, value in values.items() if value} for kind, values in given.items()}
    return {kind: values for kind, values in set_ones.items() if values}
