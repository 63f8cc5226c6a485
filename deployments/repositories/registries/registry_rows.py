"""Registries: whose each is, and which cluster's images go through which. Passwords stay sealed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from agents.wording.sentences import sentence
from deployments.data.registry_types import CheckState, NewRegistry, RegistryRecord, SealedRegistry
from deployments.errors import NotFound
from deployments.models import ClusterRegistry, Registry
from deployments.repositories import projects
from deployments.types import Caller

MAX_LISTED = 200


def add(*, registry_id: UUID, new: NewRegistry, owner_id: UUID | None, sealed: str, at: datetime) -> RegistryRecord:
    """Store a registry. Raises IntegrityError where there is one with this address already."""
    Registry.objects.create(
        id=registry_id,
        owner_id=owner_id,
        project_id=new.project_id,
        name=new.name,
        address=new.address,
        namespace=new.namespace,
        username=new.username,
        sealed=sealed,
        ca_certificate=new.ca_certificate,
        created_at=at,
        changed_at=at,
    )
    return record_of(_rows().get(pk=registry_id))


def visible(caller: Caller) -> QuerySet[Registry]:
    """Return the caller's own registries, those of projects that the caller may see, and to superusers the
    installation's."""
    seen = projects.own_or_shared(caller)
    if caller.sees_everything:
        seen |= Q(owner__isnull=True, project__isnull=True)
    return _rows().filter(seen)


def listed(*, caller: Caller, project_id: UUID | None = None) -> tuple[RegistryRecord, ...]:
    """Return the registries that the caller may see, by name; of one project alone where it is named."""
    rows = visible(caller)
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    return tuple(record_of(row) for row in rows.order_by("name", "pk")[:MAX_LISTED])


def find(*, caller: Caller, registry_id: UUID) -> RegistryRecord:
    """Return the registry. Raises NotFound, also for somebody else's."""
    row = visible(caller).filter(pk=registry_id).first()
    if row is None:
        raise NotFound(sentence("No such registry."))
    return record_of(row)


def count(*, owner_id: UUID | None, project_id: UUID | None) -> int:
    return Registry.objects.filter(owner=owner_id, project=project_id).count()


def sealed(*, registry_id: UUID) -> SealedRegistry | None:
    """Return the registry with its sealed password; None when it is gone."""
    row = _rows().filter(pk=registry_id).first()
    return None if row is None else SealedRegistry(record=record_of(row), sealed=row.sealed)


def change(*, registry_id: UUID, columns: dict[str, Any]) -> None:
    Registry.objects.filter(pk=registry_id).update(**columns)


def lock(*, registry_id: UUID) -> CheckState:
    """Lock the registry's row until commit; return how its newest test stands. Raises NotFound."""
    row = Registry.objects.select_for_update(no_key=True).filter(pk=registry_id).values_list("check_state").first()
    if row is None:
        raise NotFound(sentence("No such registry."))
    return CheckState(row[0])


def of_check(*, check_id: UUID) -> SealedRegistry | None:
    """Return the registry of which this is the newest test; None where there is none."""
    row = _rows().filter(check_id=check_id).first()
    return None if row is None else SealedRegistry(record=record_of(row), sealed=row.sealed)


def end_check(*, check_id: UUID, state: CheckState, message: str, at: datetime) -> None:
    """Store how the test went, unless a newer one has begun."""
    columns = {"check_state": state, "check_message": message, "checked_at": at}
    Registry.objects.filter(check_id=check_id).update(**columns)


def overdue_checks(*, before: datetime, limit: int) -> tuple[UUID, ...]:
    """Return the tests that were asked for before then and have no end."""
    rows = Registry.objects.filter(check_state=CheckState.PENDING, checked_at__lt=before, check_id__isnull=False)
    found = rows.order_by("checked_at").values_list("check_id", flat=True)[:limit]
    return tuple(each for each in found if each is not None)


def remove(*, registry_id: UUID) -> None:
    """Delete the registry. Raises ProtectedError while a cluster's images go through it."""
    Registry.objects.filter(pk=registry_id).delete()


def clusters_of(*, registry_id: UUID) -> tuple[UUID, ...]:
    """Return the clusters whose images go through the registry."""
    return tuple(ClusterRegistry.objects.filter(registry=registry_id).values_list("cluster_id", flat=True))


def of_cluster(*, cluster_id: UUID) -> SealedRegistry | None:
    """Return the registry that was chosen for the cluster; None where none was."""
    row = Registry.objects.select_related("project").filter(
        pk__in=ClusterRegistry.objects.filter(cluster_id=cluster_id).values("registry")
    )
    found = row.first()
    return None if found is None else SealedRegistry(record=record_of(found), sealed=found.sealed)


def choose_for_cluster(*, cluster_id: UUID, registry_id: UUID | None) -> None:
    """Let the images of the cluster go through this registry; None for the installation's."""
    if registry_id is None:
        ClusterRegistry.objects.filter(cluster_id=cluster_id).delete()
        return
    ClusterRegistry.objects.update_or_create(cluster_id=cluster_id, defaults={"registry_id": registry_id})


def usable_by(*, project_id: UUID, owner_ids: Collection[UUID]) -> tuple[SealedRegistry, ...]:
    """Return the registries that a project's images may come from: its own first, then its owner's, then all of the
    installation."""
    own, installation = Q(project=project_id), Q(owner__isnull=True, project__isnull=True)
    rows = _rows().filter(own | Q(owner__in=owner_ids, owner__is_active=True) | installation)
    found = [SealedRegistry(record=record_of(row), sealed=row.sealed) for row in rows.order_by("name", "pk")]
    return tuple(sorted(found, key=lambda each: (each.record.project_id is None, each.record.of_installation)))


def installation() -> tuple[SealedRegistry, ...]:
    """Return the registries of the installation, the oldest first."""
    rows = _rows().filter(owner__isnull=True, project__isnull=True).order_by("created_at", "pk")
    return tuple(SealedRegistry(record=record_of(row), sealed=row.sealed) for row in rows)


def _rows() -> QuerySet[Registry]:
    return Registry.objects.select_related("project")


def record_of(row: Registry) -> RegistryRecord:
    return RegistryRecord(
        id=row.id,
        name=row.name,
        address=row.address,
        namespace=row.namespace,
        username=row.username,
        ca_certificate=row.ca_certificate,
        owner_id=row.owner_id,
        project_id=row.project_id,
        project_name=row.project.name if row.project else "",
        created_at=row.created_at,
        changed_at=row.changed_at,
        check_id=row.check_id,
        check_state=CheckState(row.check_state),
        check_message=row.check_message,
        check_server_name=row.check_server_name,
        checked_at=row.checked_at,
    )
