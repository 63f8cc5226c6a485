"""Stored variables, sealed, and the record of who changed them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from deployments.data.variable_types import ChangedVariable, Place, Scope, SealedVariable, StoredVariable
from deployments.models import ProjectVariable, VariableChange
from deployments.types import Caller


def listed(*, project_id: UUID) -> tuple[StoredVariable, ...]:
    """Return the project's variables without their values: by place, then by name."""
    rows = ProjectVariable.objects.filter(project=project_id).defer("sealed").order_by("scope", "scope_key", "name")
    found = [
        StoredVariable(place=_place(row), name=row.name, version=row.version, set_by=row.set_by, set_at=row.set_at)
        for row in rows
    ]
    order = list(Scope)
    return tuple(sorted(found, key=lambda each: (order.index(each.place.scope), each.place.key, each.name)))


def sealed_for(*, project_id: UUID, target_id: UUID) -> tuple[SealedVariable, ...]:
    """Return what a deployment of the project on this target takes: of others' targets nothing."""
    theirs = Q(scope=Scope.TARGET) & ~Q(scope_key=str(target_id))
    rows = ProjectVariable.objects.filter(project=project_id).exclude(theirs).order_by("pk")
    return tuple(sealed_record(row) for row in rows)


def count(*, project_id: UUID) -> int:
    return ProjectVariable.objects.filter(project=project_id).count()


def names_at(*, project_id: UUID, place: Place) -> set[str]:
    return set(_at(project_id, place).values_list("name", flat=True))


def put(*, project_id: UUID, place: Place, sealed: Mapping[str, str], by: Caller, at: datetime) -> None:
    """Store sealed values by name over what was there, and who did it. Inside a transaction with the project's lock."""
    versions = _last_versions(project_id, place, sealed)
    where = {"project_id": project_id, "scope": place.scope, "scope_key": place.key}
    ProjectVariable.objects.bulk_create(
        [
            ProjectVariable(
                **where, name=name, version=versions[name] + 1, sealed=value, set_by=by.name[:150], set_at=at
            )
            for name, value in sealed.items()
        ],
        update_conflicts=True,
        unique_fields=["project", "scope", "scope_key", "name"],
        update_fields=["version", "sealed", "set_by", "set_at"],
    )
    set_ = VariableChange.Action.SET
    _note(project_id, place, {name: versions[name] + 1 for name in sealed}, action=set_, by=by, at=at)


def remove(*, project_id: UUID, place: Place, names: Collection[str], by: Caller, at: datetime) -> None:
    """Remove these, and store who did it. Inside a transaction with the project's lock."""
    rows = _at(project_id, place).filter(name__in=names)
    versions = dict(rows.values_list("name", "version"))
    rows.delete()
    _note(project_id, place, versions, action=VariableChange.Action.REMOVED, by=by, at=at)


def remove_of_target(*, target_id: UUID, by: Caller, at: datetime) -> None:
    """Remove what projects have set for this server or cluster alone, and store who did it. Inside a transaction."""
    place = Place(scope=Scope.TARGET, key=str(target_id))
    rows = ProjectVariable.objects.filter(scope=place.scope, scope_key=place.key)
    for project_id in rows.order_by("project_id").values_list("project_id", flat=True).distinct():
        remove(project_id=project_id, place=place, names=names_at(project_id=project_id, place=place), by=by, at=at)


def changes(*, project_id: UUID, limit: int, before: int | None = None) -> tuple[ChangedVariable, ...]:
    """Return the newest changes, newest first."""
    rows = VariableChange.objects.filter(project=project_id)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return tuple(
        ChangedVariable(
            place=Place(scope=Scope(row.scope), key=row.scope_key),
            name=row.name,
            version=row.version,
            action=row.action,
            by=row.changed_by_name,
            at=row.changed_at,
        )
        for row in rows.order_by("-pk")[:limit]
    )


def drop_old_changes(*, before: datetime, limit: int) -> int:
    """Delete changes from before then; return how many. What holds now says itself who set it."""
    old = VariableChange.objects.filter(changed_at__lt=before).order_by("pk").values("pk")[:limit]
    return VariableChange.objects.filter(pk__in=old).delete()[0]


def _note(
    project_id: UUID,
    place: Place,
    versions: Mapping[str, int],
    *,
    action: VariableChange.Action,
    by: Caller,
    at: datetime,
) -> None:
    VariableChange.objects.bulk_create(
        VariableChange(
            project_id=project_id,
            scope=place.scope,
            scope_key=place.key,
            name=name,
            version=version,
            action=action,
            changed_by_id=by.user_id,
            changed_by_name=by.name[:150],
            changed_at=at,
        )
        for name, version in sorted(versions.items())
    )


def _last_versions(project_id: UUID, place: Place, names: Collection[str]) -> defaultdict[str, int]:
    """Return the highest number that each name has had; also of one that was removed."""
    found: defaultdict[str, int] = defaultdict(int)
    spent = VariableChange.objects.filter(
        project=project_id, scope=place.scope, scope_key=place.key, name__in=names
    ).values_list("name")
    for source in (spent.annotate(last=Max("version")), _at(project_id, place).values_list("name", "version")):
        for name, version in source:
            found[name] = max(found[name], version)
    return found


def _at(project_id: UUID, place: Place) -> QuerySet[ProjectVariable]:
    return ProjectVariable.objects.filter(project=project_id, scope=place.scope, scope_key=place.key)


def _place(row: ProjectVariable) -> Place:
    return Place(scope=Scope(row.scope), key=row.scope_key)


def sealed_record(row: ProjectVariable) -> SealedVariable:
    """Return a row with its value, still sealed."""
    return SealedVariable(pk=row.pk, project_id=row.project_id, place=_place(row), name=row.name, sealed=row.sealed)
