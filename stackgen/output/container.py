"""What the graph says of a node's container, in words that Compose and Swarm share."""

from __future__ import annotations

from stackgen.databases.kind import Volume
from stackgen.parts.environment import plain
from stackgen.parts.types import MountedFile, Part
from stackgen.yaml import Value

# Far above what servers of many threads need, far below what a host has; podman has the same default.
MAX_PROCESSES = 2048
# In names: never the beginning of a hash, which the volumes of nodes have there.
SHARED = "shared"


def container_of(part: Part) -> dict[str, Value]:
    """Return what shapes the container itself, without what the graph does not say."""
    settings = part.node.settings
    given: dict[str, Value] = {
        "user": settings.run_as,
        "working_dir": settings.working_dir and plain(settings.working_dir),
        "labels": drawn_labels(part),
    }
    return {key: value for key, value in given.items() if value}


def drawn_labels(part: Part) -> dict[str, Value]:
    """Return the labels that the graph gives a node."""
    return {name: plain(text) for name, text in sorted(part.node.settings.labels.items())}


def config_of(file: MountedFile) -> dict[str, Value]:
    """Return how a service mounts a file of ours."""
    entry: dict[str, Value] = {"source": file.name, "target": file.target}
    return entry if file.mode is None else {**entry, "mode": file.mode}


def mounts(part: Part) -> list[Value]:
    """Return volumes by their name in the file; never a path of the host."""
    return [f"{volume_key(part, volume)}:{volume.path}{':ro' if volume.read_only else ''}" for volume in part.volumes]


def volume_key(part: Part, volume: Volume) -> str:
    """Return the name of a volume in the file. No two meet: names of services hold no dot and no two dashes."""
    if volume.shared:
        return f"{SHARED}--{volume.name}"
    return f"{part.name}{'.' if volume.drawn else '-'}{volume.name}"


def resources(part: Part) -> dict[str, Value]:
    """Return Compose's and Swarm's `resources`: what the graph sets, and always a bound on processes and threads."""
    settings = part.node.settings
    given: dict[str, dict[str, Value]] = {
        "limits": {"cpus": settings.cpu, "memory": settings.memory, "pids": settings.processes or MAX_PROCESSES},
        "reservations": {"cpus": settings.cpu_reservation, "memory": settings.memory_reservation},
    }
    set_ones = {kind: {name: value for name, value in values.items() if value} for kind, values in given.items()}
    return {kind: values for kind, values in set_ones.items() if values}
