"""The variables of a project that stay from one deployment to the next: set and removed, shown by name alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.clients.peers import fetched_by_job
from deployments.data.audit_types import AuditAction
from deployments.data.variable_types import ChangedVariable, Place, Scope, StoredVariable
from deployments.errors import Conflict, Invalid, NotFound
from deployments.repositories import projects
from deployments.repositories import variables as rows
from deployments.services.audit.record import names_in, record
from deployments.services.permissions import access, server_rights
from deployments.services.secrets import env_file, sealing, variable_bounds
from deployments.types import Caller, ProjectRecord, Right, Target, TargetKind

# Of a project, over all places; one deployment is given at most as many as `variable_bounds` says.
MAX_STORED = 2000
MAX_CHANGES_SHOWN = 200
MAX_NODE_ID = 200


def list_variables(*, caller: Caller, project_id: UUID) -> tuple[StoredVariable, ...]:
    """Return the names with who set each and when, to everybody who may see the project. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return rows.listed(project_id=project_id)


def list_changes(*, caller: Caller, project_id: UUID, limit: int = 50) -> tuple[ChangedVariable, ...]:
    """Return who set or removed what, newest first. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return rows.changes(project_id=project_id, limit=max(1, min(limit, MAX_CHANGES_SHOWN)))


def change_variables(
    *,
    caller: Caller,
    project_id: UUID,
    place: Place,
    values: Mapping[str, str],
    remove: Collection[str] = (),
    at: datetime,
) -> tuple[StoredVariable, ...]:
    """Store values by name over what was there, and remove names; all or nothing. Return what the project has then.

    Whoever may deploy may do this: with a deployment they could give any value anyway. What runs stays as it is; the
    next deployment takes the new values. Opens its own transaction. Raises NotFound, Forbidden, Invalid naming the
    variable, the node or the server, or Conflict when there would be too many.
    """
    project = access.project_to_deploy(caller=caller, project_id=project_id)
    variable_bounds.check_env_vars(values, field="variables")
    if twice := sorted(set(values) & set(remove)):
        raise Invalid(
            sentence("A name is both set and removed."), details={f"remove.{twice[0]}": sentence("also in variables")}
        )
    if values:
        _check_place(caller=caller, project=project, place=place)
    sealed = {
        name: sealing.seal_variable(value=value, project_id=project_id, place=place, name=name)
        for name, value in values.items()
    }
    with transaction.atomic():
        projects.lock(project_id=project_id)
        _remove(project_id=project_id, place=place, names=remove, by=caller, at=at)
        rows.put(project_id=project_id, place=place, sealed=sealed, by=caller, at=at)
        if rows.count(project_id=project_id) > MAX_STORED:
            raise Conflict(
                sentence("A project keeps at most {max_stored} variables. Remove some first.", max_stored=MAX_STORED)
            )
        _note(by=caller, project_id=project_id, place=place, given=values, removed=remove)
    return rows.listed(project_id=project_id)


def _note(*, by: Caller, project_id: UUID, place: Place, given: Collection[str], removed: Collection[str]) -> None:
    """Write the names down, never a value. Inside the transaction that stores them."""
    where = {Scope.TARGET: " on one server", Scope.NODE: " of one service"}.get(place.scope, "")
    said = [f"set {names_in(given)}"] if given else []
    said += [f"removed {names_in(removed)}"] if removed else []
    if said:
        detail = f"{'; '.join(said)}{where}"
        record(by=by, action=AuditAction.VARIABLES_CHANGED, detail=detail, project_id=project_id)


def import_env_file(
    *, caller: Caller, project_id: UUID, place: Place, text: str, at: datetime
) -> tuple[StoredVariable, ...]:
    """Store what a .env file gives over what was there; names that it does not have stay. Raises as above."""
    access.project_to_deploy(caller=caller, project_id=project_id)
    values = env_file.read_env_file(text)
    if not values:
        raise Invalid(sentence("The file names no variable."), details={"file": sentence("empty")})
    return change_variables(caller=caller, project_id=project_id, place=place, values=values, at=at)


def export_env_file(*, caller: Caller, project_id: UUID, place: Place) -> str:
    """Return a .env file with the names of this place, to be filled in: no value leaves. Raises NotFound."""
    found = list_variables(caller=caller, project_id=project_id)
    return env_file.written_names([each.name for each in found if each.place == place])


def _remove(*, project_id: UUID, place: Place, names: Collection[str], by: Caller, at: datetime) -> None:
    if missing := sorted(set(names) - rows.names_at(project_id=project_id, place=place)):
        raise NotFound(sentence("No such variable."), details={f"remove.{missing[0][:50]}": sentence("not there")})
    rows.remove(project_id=project_id, place=place, names=names, by=by, at=at)


def _check_place(*, caller: Caller, project: ProjectRecord, place: Place) -> None:
    """Raise NotFound, Forbidden or Invalid for a server that the project may not use, or a node it does not have."""
    if place.scope is Scope.TARGET:
        target = Target(kind=TargetKind.SERVER, id=UUID(place.key))
        server_rights.sides_given_by_use(caller=caller, project=project, target=target)
    if place.scope is Scope.NODE and not _has_node(project_id=project.id, node_id=place.key):
        raise Invalid(
            sentence("The project's graph has no such node."), details={"nodeId": sentence("not in the graph")}
        )


def _has_node(*, project_id: UUID, node_id: str) -> bool:
    if not node_id or len(node_id) > MAX_NODE_ID:
        return False
    # A graph that a peer has is not here to be asked; its plan names what is kept for a node that it lacks.
    graph = None if fetched_by_job() else projects.latest_graph(project_id=project_id)
    return fetched_by_job() or (graph is not None and node_id in _node_ids(graph.graph))


def _node_ids(graph: Mapping[str, Any]) -> set[str]:
    return {str(node.get("id")) for node in graph.get("nodes", [])}
