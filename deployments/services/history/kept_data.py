"""Data that a deployment would leave behind or could not read: said, or refused, before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployments.errors import Invalid
from deployments.repositories import history
from deployments.services.history import snapshots
from deployments.types import ProjectRecord, Target
from stackgen.databases.known import data_release
from stackgen.results import StackService

MAX_VERSIONS_LOOKED_AT = 20
VOLUME_KEYS = ("volume.", "sharedVolume.", "hostPath.")


def refuse_other_release(*, project: ProjectRecord, target: Target, services: Iterable[StackService]) -> None:
    """Raise Invalid where a database's server would find data there that it cannot read, or would begin beside it.

    Looks at the newest versions of the lane that had the node, so that a stop between the two hides nothing.
    """
    new = {service.node_id: service for service in services if service.data_release}
    if not new:
        return
    versions = history.services_of_lane(project_id=project.id, target_id=target.id, limit=MAX_VERSIONS_LOOKED_AT)
    old: dict[str, StackService] = {}
    for version in versions:
        for service in snapshots.services_of({"services": version}):
            old.setdefault(service.node_id, service)
    for node_id, service in new.items():
        before = _release_of(old[node_id], like=service) if node_id in old else ""
        if before and before != service.data_release:
            _refuse(service, before)


def _release_of(old: StackService, *, like: StackService) -> str:
    """Return whose data the old service kept, also of a version that did not store it; empty where that is unknown."""
    return old.data_release or data_release(like.data_release.partition(" ")[0], image=old.image)


def _refuse(service: StackService, before: str) -> None:
    raise Invalid(
        f"{service.name!r} keeps data of {before}, which {service.data_release} cannot read. Deploy it with the former "
        "release, add a second database with the new one, copy the data over with a dump, and then take the first "
        "one out of the graph.",
        details={f"{service.node_id}.config.image": f"its data is of {before}"},
    )


def image_volume_warnings(*, graph: Mapping[str, Any], image_volumes: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return a sentence for each path where an image keeps data and the graph has no volume, as an agent saw it.

    `image_volumes`: paths by the name of the service that ran.
    """
    covered = {path for node in graph.get("nodes", ()) for path in _mounted(node)}
    return tuple(
        f"{service!r}: its image keeps data in {path}, which no volume of the graph covers: it stays while the node "
        f"does, but has no name; give it one with volume.NAME={path}"
        for service, paths in sorted(image_volumes.items())
        for path in paths
        if path not in covered
    )


def _mounted(node: Mapping[str, Any]) -> Iterator[str]:
    for key, value in (node.get("data") or {}).get("config", {}).items():
        if key.startswith("hostPath."):
            yield key.removeprefix("hostPath.").rstrip("/")
        elif key.startswith(VOLUME_KEYS):
            yield str(value).partition(":")[0].strip().rstrip("/")
