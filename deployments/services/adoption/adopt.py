"""Make a project of containers that run on a server: looked at first, deployed in their place afterwards."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, Invalid
from deployments.repositories.adoption import adoption_rows
from deployments.services.adoption import inspections
from deployments.services.audit.record import record
from deployments.services.fleet import machine_list
from deployments.services.permissions import quotas
from deployments.services.projects import compose_files, sources
from deployments.services.projects.compose_files import ComposeResult
from deployments.types import Caller, ProjectRecord
from stackgen.compose_import.complaints import ComposeInvalid
from stackgen.compose_import.inspection.containers import Group, Seen, groups_of
from stackgen.compose_import.inspection.project import FILE, Adopted, adopt

MAX_GROUPS = 50


@dataclass(frozen=True, kw_only=True)
class AdoptionPlan:
    """What becomes of containers: the nodes by name, a line for all that Docker says of them, and what stays where."""

    result: ComposeResult
    nodes: tuple[str, ...]
    containers: tuple[str, ...]
    volumes: tuple[str, ...]


def plan_adoption(*, caller: Caller, server_id: UUID, adoption_id: UUID, keys: Collection[str]) -> AdoptionPlan:
    """Return what a project would be made of these groups of the look. Stores nothing, and touches no container.

    For the server's owner. Raises NotFound, Conflict when what was seen is not kept, Invalid naming the group.
    """
    machine_list.get_server(caller=caller, server_id=server_id)
    with quotas.heavy_turn(caller), transaction.atomic():
        adoption = adoption_rows.get_locked(adoption_id=adoption_id, server_id=server_id)
        adopted = _adopted(inspections.opened(adoption), keys)
    return _plan_of(adopted, ComposeResult(graph=None, lines=adopted.imported.lines, code={}))


def adopt_containers(
    *, caller: Caller, server_id: UUID, adoption_id: UUID, keys: Collection[str], name: str, project_id: UUID
) -> tuple[ProjectRecord, AdoptionPlan]:
    """Make a project of the caller of these groups. What runs is left alone: its first deployment there takes it over.

    Opens its own transaction: project, graph, sealed values and what is to be taken over are stored, or nothing.
    Raises as `plan_adoption` does, Conflict for a name that is taken or a container that another project takes over.
    """
    server = machine_list.get_server(caller=caller, server_id=server_id)
    with quotas.heavy_turn(caller), transaction.atomic():
        adoption = adoption_rows.get_locked(adoption_id=adoption_id, server_id=server_id)
        adopted = _adopted(inspections.opened(adoption), keys)
        project = sources.create_project(caller=caller, project_id=project_id, name=name)
        result = compose_files.store_imported(adopted.imported, project_id=project.id, file=FILE)
        planned = adoption_rows.plan(
            adoption_id=adoption.id,
            project_id=project.id,
            containers=dict(adopted.containers),
            volumes=adopted.volumes,
        )
        if not planned:
            raise Conflict(inspections.NOT_THERE)
        detail = f"{server.name}: {', '.join(name for _, name in adopted.containers)}"
        record(
            by=caller,
            action=AuditAction.CONTAINERS_ADOPTED,
            detail=detail,
            project_id=project.id,
            server_id=server_id,
        )
    return project, _plan_of(adopted, result)


def _adopted(seen: Sequence[Seen], keys: Collection[str]) -> Adopted:
    groups = {group.key: group for group in groups_of(seen)}
    if not keys or len(keys) > MAX_GROUPS:
        raise Invalid(
            sentence("Choose what to take over, at most {max_groups}.", max_groups=MAX_GROUPS),
            details={"groups": sentence("1 to {max_groups}", max_groups=MAX_GROUPS)},
        )
    if unknown := sorted(set(keys) - groups.keys()):
        raise Invalid(sentence("That was not seen on the server."), details={"groups": unknown[0][:200]})
    chosen: list[Group] = [groups[key] for key in groups if key in keys]
    try:
        return adopt(chosen, all_containers=seen)
    except ComposeInvalid as error:
        raise Invalid(
            sentence("This cannot be said in a graph: {complaints}", complaints=error.complaints[0]),
            details={"groups": chosen[0].name},
        ) from error
    except ValueError as error:
        raise Invalid(str(error), details={"groups": chosen[0].name}) from error


def _plan_of(adopted: Adopted, result: ComposeResult) -> AdoptionPlan:
    nodes = adopted.imported.graph["nodes"]
    return AdoptionPlan(
        result=result,
        nodes=tuple(f"{node['id']}" for node in nodes) if isinstance(nodes, list) else (),
        containers=tuple(name for _, name in adopted.containers),
        volumes=adopted.volumes,
    )
