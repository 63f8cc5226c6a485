"""What people do with registries: add one, change it, delete it, choose one for a cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from agents.wording.sentences import sentence
from deployments.data.registry_types import CheckState, NewRegistry, RegistryChange, RegistryRecord
from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.repositories.registries import registry_rows
from deployments.rules import registry_rules
from deployments.services.fleet import machine_changes
from deployments.services.permissions import access
from deployments.services.secrets import sealing
from deployments.types import Caller, Right

# Of one user, of one project, and of the installation.
MAX_REGISTRIES = 50
# Stands for a password that stays as it is, while the rest is checked.
_KEPT = "kept"
NOT_TESTED = {
    "check_id": None,
    "check_state": CheckState.NONE,
    "check_message": "",
    "check_server_name": "",
    "checked_at": None,
}


def add_registry(*, caller: Caller, new: NewRegistry, at: datetime) -> RegistryRecord:
    """Store a registry of the caller, of a project that is theirs to change, or for superusers of the installation.

    Raises NotFound, Forbidden, Invalid naming the field, or Conflict.
    """
    new = replace(new, address=registry_rules.usual_address(new.address), name=new.name.strip())
    if wrong := registry_rules.wrong_fields(new):
        raise Invalid(sentence("The registry is not valid."), details=wrong)
    if new.of_installation and not caller.sees_everything:
        raise Forbidden(sentence("Only administrators can add a registry for everybody."))
    if new.project_id is not None:
        access.project_for(caller=caller, project_id=new.project_id, right=Right.CHANGE)
    owner_id = None if new.project_id or new.of_installation else caller.user_id
    registry_id = uuid4()
    sealed = sealing.seal_registry(password=new.password, registry_id=registry_id) if new.password else ""
    try:
        with transaction.atomic():
            if registry_rows.count(owner_id=owner_id, project_id=new.project_id) >= MAX_REGISTRIES:
                raise Conflict(
                    sentence("There are {max_registries} registries. Delete one first.", max_registries=MAX_REGISTRIES)
                )
            return registry_rows.add(registry_id=registry_id, new=new, owner_id=owner_id, sealed=sealed, at=at)
    except IntegrityError as error:
        message = f"There is a registry with the address {new.address} here already. Change that one."
        raise Conflict(message, details={"address": sentence("there already")}) from error


def list_registries(*, caller: Caller, project_id: UUID | None = None) -> tuple[RegistryRecord, ...]:
    """Return the registries that the caller may see. Raises NotFound for a project that is a stranger's."""
    if project_id is not None:
        access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return registry_rows.listed(caller=caller, project_id=project_id)


def get_registry(*, caller: Caller, registry_id: UUID) -> RegistryRecord:
    """Return the registry. Raises NotFound for strangers."""
    return registry_rows.find(caller=caller, registry_id=registry_id)


def may_change(*, caller: Caller, registry: RegistryRecord) -> bool:
    """Return whether a caller who may see the registry may change, test and delete it."""
    if registry.project_id is not None:
        return access.may(caller=caller, project_id=registry.project_id, right=Right.CHANGE)
    return caller.sees_everything if registry.of_installation else registry.owner_id == caller.user_id


def registry_to_change(*, caller: Caller, registry_id: UUID) -> RegistryRecord:
    """Return the registry to who may change it. Raises NotFound or Forbidden."""
    registry = get_registry(caller=caller, registry_id=registry_id)
    if not may_change(caller=caller, registry=registry):
        raise Forbidden(sentence("You can view this registry but not change it. Ask the project's owner."))
    return registry


def change_registry(*, caller: Caller, registry_id: UUID, change: RegistryChange, at: datetime) -> RegistryRecord:
    """Change what is named; the address stays, for images are named by it. What a test has shown counts no longer.

    A user name that is emptied takes its password along. Raises NotFound, Forbidden, or Invalid naming the field.
    """
    registry = registry_to_change(caller=caller, registry_id=registry_id)
    old = registry_rows.sealed(registry_id=registry_id)
    if old is None:
        raise NotFound(sentence("No such registry."))
    username = registry.username if change.username is None else change.username
    kept = _KEPT if old.sealed and username and username == registry.username else ""
    wanted = NewRegistry(
        name=registry.name if change.name is None else change.name.strip(),
        address=registry.address,
        namespace=registry.namespace if change.namespace is None else change.namespace,
        username=username,
        password=(change.password or kept) if username else (change.password or ""),
        ca_certificate=registry.ca_certificate if change.ca_certificate is None else change.ca_certificate,
    )
    if wrong := registry_rules.wrong_fields(wanted):
        raise Invalid(sentence("The registry is not valid."), details=wrong)
    columns: dict[str, Any] = {
        "name": wanted.name,
        "namespace": wanted.namespace,
        "username": username,
        "ca_certificate": wanted.ca_certificate,
        "changed_at": at,
        **NOT_TESTED,
    }
    if change.password:
        columns["sealed"] = sealing.seal_registry(password=change.password, registry_id=registry_id)
    elif not username:
        columns["sealed"] = ""
    registry_rows.change(registry_id=registry_id, columns=columns)
    return registry_rows.find(caller=caller, registry_id=registry_id)


def delete_registry(*, caller: Caller, registry_id: UUID) -> None:
    """Delete the registry here; what is in it stays there. Raises NotFound, Forbidden, or Conflict while in use."""
    registry = registry_to_change(caller=caller, registry_id=registry_id)
    try:
        registry_rows.remove(registry_id=registry_id)
    except ProtectedError as error:
        number = len(registry_rows.clusters_of(registry_id=registry_id))
        words = "a cluster go" if number == 1 else f"{number} clusters go"
        message = f"The images of {words} through {registry.name}. Choose another registry there first."
        raise Conflict(message, details={"clusters": str(number)}) from error


def registry_of_cluster(*, caller: Caller, cluster_id: UUID) -> RegistryRecord | None:
    """Return the registry that was chosen for a cluster of the caller's; None where none was. Raises NotFound."""
    machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    found = registry_rows.of_cluster(cluster_id=cluster_id)
    return found.record if found else None


def default_registry() -> RegistryRecord | None:
    """Return the registry of clusters for which none was chosen: the installation's oldest; None for none."""
    found = next(iter(registry_rows.installation()), None)
    return found.record if found else None


def choose_for_cluster(*, caller: Caller, cluster_id: UUID, registry_id: UUID | None) -> RegistryRecord | None:
    """Let the images of a cluster of the caller's go through a registry of theirs; None for the installation's.

    Raises NotFound, or Forbidden for a registry that the caller may not use.
    """
    machine_changes.get_cluster(caller=caller, cluster_id=cluster_id)
    if registry_id is not None:
        registry = registry_to_change(caller=caller, registry_id=registry_id)
        if registry.project_id is not None:
            raise Invalid(
                sentence("A project's registry cannot be a cluster's, which other projects use, too."),
                details={"registryId": sentence("one of your own")},
            )
    registry_rows.choose_for_cluster(cluster_id=cluster_id, registry_id=registry_id)
    return registry_of_cluster(caller=caller, cluster_id=cluster_id)
