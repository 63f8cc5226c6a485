"""What a stop, a scale or a rollback does to data, as sentences of its plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from deployments.types import Target, TargetKind
from stackgen.results import StackService

# So many names are told one by one.
MAX_NAMED = 10


def of_stop(services: Iterable[StackService], *, image_volumes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return what stays, and what a container keeps in no volume."""
    known = tuple(services)
    volumes = sorted({volume for service in known for volume in service.volumes})
    unnamed = [f"{service.name} ({', '.join(image_volumes[service.name])})" for service in known
               if image_volumes.get(service.name)]  # fmt: skip
    paths = sorted({path for service in known for path in service.host_paths})
    bare = [
        service.name
        for service in known
        if not (service.volumes or service.host_paths or image_volumes.get(service.name))
    ]
    kept = f"Volumes are kept with all data in them: {_named(volumes)}." if volumes else "No service has a volume."
    notes = [kept]
    if paths:
        notes.append(f"Paths of the host are left as they are: {_named(paths)}.")
    if unnamed:
        notes.append(f"What their images keep in volumes of their own is kept, too: {_named(unnamed)}.")
    if bare:
        notes.append(f"Whatever else was written into a container goes with it: {_named(bare)} keep nothing.")
    return tuple(notes)


def of_scale(service: StackService, *, replicas: int, paths: Sequence[str], target: Target) -> tuple[str, ...]:
    """Return what the copies do with the data of their service."""
    notes = ["No volume is made empty or deleted."]
    if (shared := [*service.volumes, *service.host_paths]) and replicas > 1:
        where = "all copies of one server" if target.kind is TargetKind.CLUSTER else "all copies"
        notes.append(f"{service.name}: {where} read and write the same {_named(shared)}.")
    if paths and replicas > 1:
        notes.append(
            f"{service.name}: each copy has a volume of its own for {', '.join(paths)}, which its image asks for: new "
            "copies begin empty there."
        )
    if replicas < service.replicas or (not service.volumes and not paths):
        outside = "outside volumes and paths of the host" if service.host_paths else "outside volumes"
        notes.append(f"What a copy of {service.name} wrote {outside} goes with that copy.")
    return tuple(notes)


def of_rollback(*, running: Iterable[StackService], restored: Iterable[StackService], version: str) -> tuple[str, ...]:
    """Return which data stays as it is, although everything else goes back."""
    now = {volume for service in running for volume in service.volumes}
    then = {volume for service in restored for volume in service.volumes}
    notes = []
    if both := sorted(now & then):
        notes.append(f"Data is not taken back: what was written since {version} stays in {_named(both)}.")
    if left := sorted(now - then):
        notes.append(
            f"{version} does not use {_named(left)}: kept with all data, and orphaned until they are used again."
        )
    if again := sorted(then - now):
        notes.append(f"Used again, with what they held then, or empty where somebody deleted them: {_named(again)}.")
    return tuple(notes)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
