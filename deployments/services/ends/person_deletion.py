"""Delete a person: what they own is handed over, what let them in ends, and their name stays readable in history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from agents.services import directory
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.repositories import projects, users
from deployments.repositories.people import link_rows
from deployments.services.audit.record import record
from deployments.services.permissions import access
from deployments.services.sharing import ownership
from deployments.types import Caller


@dataclass(frozen=True, kw_only=True)
class Owned:
    """What a person owns, by name."""

    projects: tuple[str, ...]
    servers: tuple[str, ...]
    clusters: tuple[str, ...]

    @property
    def anything(self) -> bool:
        return bool(self.projects or self.servers or self.clusters)


def owned_by(*, caller: Caller, user_id: UUID) -> Owned:
    """Return what would be handed over. Raises Forbidden for others than administrators."""
    _require_administrator(caller)
    return _owned(user_id)


def _owned(user_id: UUID) -> Owned:
    return Owned(
        projects=tuple(each.name for each in projects.owned_by(owner_id=user_id) if each.deletion != access.DELETED),
        servers=tuple(server.name for server in directory.servers_of(owner_id=user_id)),
        clusters=tuple(cluster.name for cluster in directory.clusters_of(owner_id=user_id)),
    )


def delete_person(*, caller: Caller, user_id: UUID, typed_name: str, heir: str, at: datetime) -> None:
    """Delete the person, all or nothing; what they own goes to `heir`. Opens its own transaction.

    What runs runs on; a server's right to a project of others ends unless the heir belongs to the project. Raises
    Forbidden, NotFound, Invalid naming the field, or Conflict when the heir has something of the same name.
    """
    _require_administrator(caller)
    if user_id == caller.user_id:
        raise Conflict(sentence("You cannot delete yourself. Ask another administrator."))
    with transaction.atomic():
        person = users.lock(user_id=user_id)
        if person is None or person.deleted_at is not None:
            raise NotFound(sentence("No such person."))
        name = person.get_username()
        if typed_name != name:
            raise Invalid(
                sentence("Type the whole user name to delete this person."),
                details={"name": sentence("not the user name")},
            )
        owns = _owned(user_id).anything or bool(projects.owned_by(owner_id=user_id))
        # Whoever is named is held to it, also where there is nothing to hand over.
        heir_id = _heir(heir, user_id=user_id) if owns or heir else None
        if owns and heir_id is not None:
            _hand_over(caller=caller, user_id=user_id, heir_id=heir_id, name=heir)
        users.delete(user=person, at=at)
        link_rows.remove_of_person(user_id=user_id)
        detail = f"{name}, all to {heir}" if heir else name
        record(by=caller, action=AuditAction.PERSON_DELETED, detail=detail, person_id=user_id)


def _heir(name: str, *, user_id: UUID) -> UUID:
    heir = users.named(name=name) if name else None
    if heir is None or heir.pk == user_id or not heir.is_active:
        raise Invalid(
            sentence("Choose who takes over what this person owns."), details={"heir": sentence("not an active person")}
        )
    return heir.pk


def _hand_over(*, caller: Caller, user_id: UUID, heir_id: UUID, name: str) -> None:
    for project in projects.owned_by(owner_id=user_id):
        projects.lock(project_id=project.id)
        ownership.hand_over(project=project, heir_id=heir_id, heir=name, by=caller, keep_former=False)
    try:
        with transaction.atomic():
            servers = directory.servers_of(owner_id=user_id)
            directory.change_owner(owner_id=user_id, heir_id=heir_id)
    except IntegrityError as error:
        raise Conflict(
            sentence("{name} has a server or cluster of the same name already.", name=name),
            details={"heir": sentence("name")},
        ) from error
    for server in servers:
        ownership.hand_over_server(server_id=server.id, former_id=user_id, heir_id=heir_id)
        detail = f"server {server.name} -> {name}"
        record(by=caller, action=AuditAction.OWNER_CHANGED, detail=detail, server_id=server.id, person_id=heir_id)


def _require_administrator(caller: Caller) -> None:
    if not caller.sees_everything:
        raise Forbidden(sentence("Only administrators manage people."))
