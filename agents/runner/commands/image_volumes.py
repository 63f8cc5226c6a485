"""Volumes that an image declares by itself: what is in them is data as much as what a volume of the graph holds.

Docker gives a new container of such an image volumes without a name; beside the old copy, and after a container is
gone, those are empty. So such a service is replaced where it stands, and its one copy mounts volumes with names that
are written down per node: the ones that a running container has, or new ones. Several copies have one each, which
Compose hands over from container to container.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from agents.runner.commands.context import Work
from agents.runner.errors import StepFailedError
from agents.runner.planning.codec import COMPOSE_FILE
from agents.runner.planning.model import (
    COMPOSE_PROJECT,
    LABEL_NODE,
    LABEL_PROJECT,
    Container,
    Release,
    WantedService,
    containers_of,
)
from agents.runner.planning.stackfile import read_stack

# What Docker calls a volume that nobody gave a name.
UNNAMED = re.compile(r"[0-9a-f]{64}")


def record_unnamed_volumes(*, work: Work, stack: str, observed: tuple[Container, ...]) -> None:
    """Write down which unnamed volumes the containers have, while there still is one to ask."""
    for node_id in sorted({each.node_id for each in observed if each.node_id}):
        mine = [each for each in observed if each.node_id == node_id]
        for path, volume in unnamed_volumes(mine).items():
            if volume:
                work.releases.record_volume(stack=stack, node_id=node_id, path=path, volume=volume)


def unnamed_volumes(containers: Iterable[Container]) -> dict[str, str]:
    """Return the path to the unnamed volume that containers of one node have there; empty where they have several."""
    found: dict[str, set[str]] = {}
    for each in containers:
        for path, volume in each.volumes.items():
            if UNNAMED.fullmatch(volume):
                found.setdefault(path, set()).add(volume)
    return {path: next(iter(names)) if len(names) == 1 else "" for path, names in found.items()}


def with_image_volumes(
    *,
    work: Work,
    release: Release,
    images: Mapping[str, str],
    observed: tuple[Container, ...],
) -> tuple[WantedService, ...]:
    """Return the services with the paths where their images keep data, or kept it, and the graph has no volume.

    Services with such paths are not to start beside a copy. `images`: image id by service. A path stays with the node
    also when a later image does not declare it.
    """
    stack = release.stack
    record_unnamed_volumes(work=work, stack=stack, observed=observed)
    declared = {image: work.host.image_volumes(image) for image in sorted(set(images.values()) - {""})}
    found = []
    for service in release.services:
        paths = {
            *declared.get(images.get(service.name, ""), ()),
            *unnamed_volumes(containers_of(observed, service.name)),
        }
        paths |= work.releases.recorded_volumes(stack=stack, node_id=service.node_id).keys()
        paths -= mount_targets(release, service.name) if paths else frozenset()
        changed = replace(service, image_volumes=tuple(sorted(paths)), starts_first=False) if paths else service
        found.append(changed)
    return tuple(found)


def refuse_hidden_data(*, release: Release, services: Iterable[WantedService], observed: tuple[Container, ...]) -> None:
    """Raise StepFailedError(invalid) where a volume of the graph would replace an unnamed one that holds data."""
    for service in services:
        for path, volume in unnamed_volumes(containers_of(observed, service.name)).items():
            if path in mount_targets(release, service.name):
                where = f"{volume or 'several volumes'}, without a name of its own, at {path}"
                message = (
                    f"{service.name} keeps its data in {where}; the new definition has a volume of its own there, so "
                    "it would begin without it. Stop the project, copy the data into the new volume, and deploy again."
                )
                raise StepFailedError("invalid", message, service=service.name)


def provide_volumes(
    *, work: Work, release: Release, services: Iterable[WantedService], copies: Mapping[str, int]
) -> dict[str, dict[str, str]]:
    """Return per service that has one copy, path to volume; each is there, and written down, when this returns."""
    found: dict[str, dict[str, str]] = {}
    for service in services:
        # More copies may be made by the files of an earlier release, which may have a volume there.
        mounted = mount_targets(release, service.name) if service.image_volumes else frozenset()
        free = [path for path in service.image_volumes if path not in mounted]
        if free and copies.get(service.name) == 1:
            found[service.name] = {path: _volume(work, release, service, path) for path in free}
    return found


def mount_targets(release: Release, service: str) -> frozenset[str]:
    """Return the paths in its containers where a service's definition mounts anything."""
    definition = (read_stack(release.files[COMPOSE_FILE]).get("services") or {}).get(service) or {}
    return frozenset(_target(each) for each in definition.get("volumes") or ())


def _target(mount: object) -> str:
    if isinstance(mount, Mapping):
        return str(mount.get("target", ""))
    parts = str(mount).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _volume(work: Work, release: Release, service: WantedService, path: str) -> str:
    stack, node_id = release.stack, service.node_id
    recorded = work.releases.recorded_volumes(stack=stack, node_id=node_id).get(path)
    name = recorded or f"{stack}_{_short(node_id, 12)}-image-{_short(path, 8)}"
    labels = {COMPOSE_PROJECT: stack, LABEL_PROJECT: release.project_id, LABEL_NODE: node_id}
    work.host.make_volume(name=name, labels=labels)
    if not recorded:
        work.releases.record_volume(stack=stack, node_id=node_id, path=path, volume=name)
    return name


def _short(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
