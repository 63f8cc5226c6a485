"""Who changed what: of a project, of a server or cluster, of a person."""

from __future__ import annotations

from uuid import UUID

from agents.errors import ServerNotFound
from agents.services import directory
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditRecord
from deployments.data.list_types import Page, PageRequest
from deployments.errors import NotFound
from deployments.repositories.people import audit_rows
from deployments.services.permissions import access
from deployments.types import Caller, Right

DEFAULT = 50


def of_project(*, caller: Caller, project_id: UUID, page: int = 1, limit: int = DEFAULT) -> Page[AuditRecord]:
    """Return what was changed in the project, newest first, to all who may see it. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    wanted = PageRequest(page=page, limit=limit)
    return audit_rows.of_project(project_id=project_id, page=wanted.page, limit=wanted.limit)


def of_machine(*, caller: Caller, machine_id: UUID, page: int = 1, limit: int = DEFAULT) -> Page[AuditRecord]:
    """Return what was changed of a server or cluster, newest first, to its owner. Raises NotFound."""
    if not caller.sees_everything and _owner_of(machine_id) != caller.user_id:
        raise NotFound(sentence("No such server."))
    wanted = PageRequest(page=page, limit=limit)
    return audit_rows.of_server(server_id=machine_id, page=wanted.page, limit=wanted.limit)


def _owner_of(machine_id: UUID) -> UUID | None:
    try:
        return directory.get_server(server_id=machine_id).owner_id
    except ServerNotFound:
        pass
    try:
        return directory.get_cluster(cluster_id=machine_id).owner_id
    except ServerNotFound:
        return None


def of_person(*, caller: Caller, person_id: UUID, page: int = 1, limit: int = DEFAULT) -> Page[AuditRecord]:
    """Return what this person changed, and what was changed of them: to themselves and to administrators.

    Raises NotFound for others.
    """
    if not caller.sees_everything and person_id != caller.user_id:
        raise NotFound(sentence("No such person."))
    wanted = PageRequest(page=page, limit=limit)
    return audit_rows.of_person(person_id=person_id, page=wanted.page, limit=wanted.limit)
