"""The volumes on servers: which of them something uses, which a project still names, which are left over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.reports.volumes import HostVolumes
from agents.services import directory
from deployments import live_updates
from deployments.data.end_types import HostVolume, HostVolumesRow, VolumeLine, VolumeState
from deployments.repositories import projects
from deployments.repositories.ends import observed_volumes, volume_deletions
from deployments.repositories.observation import observed_stacks
from deployments.services.fleet import machine_list
from deployments.services.history import snapshots
from deployments.services.observation import stacks
from deployments.services.permissions import access
from deployments.types import Caller, ProjectRecord, Right
from stackgen.parts.names import short_hash

MAX_VERSIONS_LOOKED_AT = 20
# As stackgen names volumes: of a node by its id, of several nodes by this word.
NODE_DIGITS = 12
SHARED = "shared"
OF_AN_IMAGE = "-image-"
GONE = "a project that is gone"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a project's newest version and graph name on a server; `versions`: by name, kept versions that have it."""

    names: frozenset[str]
    parts: tuple[str, ...]
    versions: Mapping[str, tuple[int, ...]]

    def has(self, name: str) -> bool:
        return name in self.names or any(part in name for part in self.parts)


def record_volumes(*, seen: HostVolumes) -> None:
    """Store the volumes of a host, in one transaction that holds the agent's row; wake the pages of their projects.

    Ignored when another session speaks for the agent by now.
    """
    with transaction.atomic():
        speaking = directory.lock_session(agent_id=seen.agent_id, session_id=seen.session_id)
        if speaking is None:
            return
        observed_volumes.store(
            agent_id=seen.agent_id,
            server_id=speaking.server_id,
            session_id=seen.session_id,
            volumes=seen.volumes,
            skew_ms=speaking.skew_ms,
        )
        named = {each.project_id for each in seen.volumes if each.project_id is not None}
        there = observed_stacks.deployed_there(server_id=speaking.server_id, project_ids=named)
        if there:
            transaction.on_commit(lambda: live_updates.wake_projects(sorted(there)))


def list_project_volumes(*, caller: Caller, project_id: UUID) -> tuple[VolumeLine, ...]:
    """Return the project's volumes on all servers, what is left over first. Raises NotFound for strangers.

    An agent is believed only about projects that were ever deployed to its server.
    """
    return lines_of(project=access.project_for(caller=caller, project_id=project_id, right=Right.SEE))


def lines_of(*, project: ProjectRecord) -> tuple[VolumeLine, ...]:
    """Return the volumes of a project without asking for anybody's right."""
    rows = observed_volumes.on_servers(server_ids=observed_stacks.deployed_to(project_id=project.id))
    lines = [
        line for row in rows for line in _lines(row, names={project.id: project.name}, only=frozenset({project.id}))
    ]
    return _in_order(lines)


def list_server_volumes(*, caller: Caller, server_id: UUID) -> tuple[VolumeLine, ...]:
    """Return the volumes of ours on a server of the caller's, whose-ever project has them. Raises NotFound."""
    machine_list.get_server(caller=caller, server_id=server_id)
    rows = observed_volumes.on_servers(server_ids=[server_id])
    named = {each.project_id for row in rows for each in row.volumes if each.project_id is not None}
    there = observed_stacks.deployed_there(server_id=server_id, project_ids=named)
    names = projects.names_of(project_ids=there)
    return _in_order(line for row in rows for line in _lines(row, names=names, only=None))


def _in_order(lines: Iterable[VolumeLine]) -> tuple[VolumeLine, ...]:
    order = list(reversed(VolumeState))
    return tuple(sorted(lines, key=lambda line: (order.index(line.state), line.server_name, line.volume.name)))


def _lines(row: HostVolumesRow, *, names: Mapping[UUID, str], only: Collection[UUID] | None) -> Iterable[VolumeLine]:
    mine = [each for each in row.volumes if only is None or each.project_id in only]
    if not mine:
        return ()
    server = directory.server_names(server_ids={row.server_id}).get(row.server_id, str(row.server_id)[:8])
    deleting = volume_deletions.pending_on(server_id=row.server_id)
    why = why_unknown(row)
    wanted = {
        project_id: wanted_by(project_id=project_id, server_id=row.server_id)
        for project_id in {each.project_id for each in mine if each.project_id is not None}
        if project_id in names
    }
    return [
        VolumeLine(
            volume=each,
            state=_state(each, wanted.get(each.project_id) if each.project_id else None),
            server_id=row.server_id,
            server_name=server,
            project_id=each.project_id if each.project_id in names else None,
            project_name=names.get(each.project_id, GONE) if each.project_id else GONE,
            versions=_versions(each, wanted.get(each.project_id) if each.project_id else None),
            seen_at=row.observed_at,
            why_unknown=why,
            deleting=each.name in deleting,
        )
        for each in mine
    ]


def why_unknown(row: HostVolumesRow) -> str:
    """Return why nobody can know whether a server's volumes are still as they were told; empty when they were."""
    if why := stacks.why_unknown(server_id=row.server_id):
        return why
    agent = directory.agents_of_servers(server_ids=[row.server_id]).get(row.server_id)
    return "" if agent is not None and agent.session_id == row.session_id else stacks.NOT_YET


def _state(volume: HostVolume, wanted: Wanted | None) -> VolumeState:
    if volume.used_by:
        return VolumeState.USED
    return VolumeState.KEPT if wanted is not None and wanted.has(volume.name) else VolumeState.ORPHANED


def _versions(volume: HostVolume, wanted: Wanted | None) -> tuple[int, ...]:
    return wanted.versions.get(volume.name, ()) if wanted is not None else ()


def wanted_by(*, project_id: UUID, server_id: UUID) -> Wanted:
    """Return what the project names there: by its newest version that runs anything, and by nodes of its graph that
    this version does not have yet.
    """
    configs = observed_volumes.kept_configs(project_id=project_id, target_id=server_id, limit=MAX_VERSIONS_LOOKED_AT)
    versions: dict[str, tuple[int, ...]] = {}
    newest: Mapping[str, Any] | None = None
    for number, config in configs:
        services = snapshots.services_with_volumes(config)
        newest = config if newest is None and services else newest
        for name in {name for service in services for name in service.volumes}:
            versions[name] = (*versions.get(name, ()), number)
    current = snapshots.services_with_volumes(newest) if newest else ()
    deployed = {service.node_id for service in current}
    of_images = (f"_{short_hash(node_id, NODE_DIGITS)}{OF_AN_IMAGE}" for node_id in deployed)
    return Wanted(
        names=frozenset(name for service in current for name in service.volumes),
        parts=(*of_images, *_of_new_nodes(project_id=project_id, deployed=deployed)),
        versions=versions,
    )


def _of_new_nodes(*, project_id: UUID, deployed: Collection[str]) -> Iterable[str]:
    graph = projects.latest_graph(project_id=project_id)
    for node in graph.graph.get("nodes", ()) if graph else ():
        if (node_id := str(node.get("id", ""))) in deployed:
            continue
        yield f"_{short_hash(node_id, NODE_DIGITS)}-"
        for key in (node.get("data") or {}).get("config") or {}:
            if key.startswith("sharedVolume."):
                yield f"_{SHARED}-{key.removeprefix('sharedVolume.')}"
