"""Data that a deployment would leave behind or could not read: said, or refused, before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.repositories import history
from deployments.services.history import snapshots
from deployments.types import ProjectRecord, Target
from stackgen.databases.known import data_release, move_between, store_of_image
from stackgen.databases.moves import Move
from stackgen.results import StackService

MAX_VERSIONS_LOOKED_AT = 20
VOLUME_KEYS = ("volume.", "sharedVolume.", "hostPath.")


def refuse_other_release(*, project: ProjectRecord, target: Target, services: Iterable[StackService]) -> None:
    """Raise Invalid where a database's server would find data there that it cannot take over, or would begin beside it.

    Looks at the newest versions of the lane that had the node, so that a stop between the two hides nothing.
    """
    for service, before, move in _moves(project=project, target=target, services=services):
        if not move.allowed:
            _refuse(service, before, move.advice)


def advice_on_releases(*, project: ProjectRecord, target: Target, services: Iterable[StackService]) -> tuple[str, ...]:
    """Return a sentence for each database that takes over the data of an earlier release, with what to do before."""
    return tuple(
        f"{service.name!r} takes over data of {before} as {service.data_release}. {move.advice}"
        for service, before, move in _moves(project=project, target=target, services=services)
        if move.allowed and move.advice
    )


def _moves(
    *, project: ProjectRecord, target: Target, services: Iterable[StackService]
) -> Iterator[tuple[StackService, str, Move]]:
    """Yield the databases that find data of a release that is known, that release, and what its makers say of it."""
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
            yield service, before, move_between(before, service.data_release)


def _release_of(old: StackService, *, like: StackService) -> str:
    """Return whose data the old service kept, also of a version that did not store it; empty where that is unknown."""
    kind = store_of_image(old.image) or like.data_release.partition(" ")[0]
    return old.data_release or data_release(kind, image=old.image)


def _refuse(service: StackService, before: str, advice: str) -> None:
    raise Invalid(
        sentence(
            "{service!r} keeps data of {before}, which {data_release} cannot read. {advice}",
            service=service.name,
            before=before,
            data_release=service.data_release,
            advice=advice,
        ),
        details={f"{service.node_id}.config.image": sentence("its data is of {before}", before=before)},
    )


def image_volume_warnings(*, graph: Mapping[str, Any], image_volumes: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return a sentence for each path where an image keeps data and the graph has no volume, as an agent saw it.

    `image_volumes`: paths by the name of the service that ran.
    """
    return tuple(
        f"{service!r}: its image keeps data in {path}, which no volume of the graph covers: it stays while the node "
        f"does, but has no name; give it one with volume.NAME={path}"
        for service, path in _uncovered(graph, image_volumes)
    )


def image_data_warnings(*, graph: Mapping[str, Any], image_data: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the same for a cluster, where the next task has nothing of what the last one wrote there."""
    return tuple(
        f"{service!r}: its image keeps data in {path}, which no volume of the graph covers: in a cluster each new task "
        f"begins there with nothing; give it a volume with volume.NAME={path}"
        for service, path in _uncovered(graph, image_data)
    )


def _uncovered(graph: Mapping[str, Any], by_service: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str]]:
    covered = {path for node in graph.get("nodes", ()) for path in _mounted(node)}
    for service, paths in sorted(by_service.items()):
        yield from ((service, path) for path in paths if path not in covered)


def _mounted(node: Mapping[str, Any]) -> Iterator[str]:
    for key, value in (node.get("data") or {}).get("config", {}).items():
        if key.startswith("hostPath."):
            yield key.removeprefix("hostPath.").rstrip("/")
        elif key.startswith(VOLUME_KEYS):
            yield str(value).partition(":")[0].strip().rstrip("/")
