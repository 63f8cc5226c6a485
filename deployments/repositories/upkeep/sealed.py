"""Every row that holds sealed values, in pages, for a change of the key. Replaced only where still as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from agents.models import Authority
from deployments.data.variable_types import SealedVariable
from deployments.models import (
    Adoption,
    AgentInstallation,
    ClusterChange,
    Deployment,
    DeploymentHistory,
    NotificationChannel,
    ProjectSecret,
    ProjectVariable,
    Registry,
    ServerAccess,
)
from deployments.repositories.variables import sealed_record


@dataclass(frozen=True, kw_only=True)
class SealedSecret:
    """One value of a project."""

    pk: int
    project_id: UUID
    key: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SealedStack:
    """The values of a deployment, kept with itself or with its history entry; both are sealed for `deployment_id`."""

    pk: UUID
    deployment_id: UUID
    sealed_variables: str = field(repr=False)
    env_vars: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SealedColumn:
    """A column with one sealed value a row, bound to the row's id; empty where a row has none."""

    model: type[Model]
    field: str

    @property
    def table(self) -> str:
        return self.model._meta.db_table


@dataclass(frozen=True, kw_only=True)
class SealedValue:
    """What such a column holds of one row."""

    pk: UUID
    sealed: str = field(repr=False)


# The session of who asked for a deployment that waits.
SESSIONS = SealedColumn(model=Deployment, field="sealed_session")
CHANNELS = SealedColumn(model=NotificationChannel, field="sealed")
REGISTRIES = SealedColumn(model=Registry, field="sealed")
# What an installation that has not ended signs in with, and a login that is kept for a server, by the server's id.
INSTALLATIONS = SealedColumn(model=AgentInstallation, field="sealed")
LOGINS = SealedColumn(model=ServerAccess, field="sealed")
# The private keys of certificate authorities, and what a server is about to join a cluster with.
AUTHORITIES = SealedColumn(model=Authority, field="sealed_key")
JOIN_TOKENS = SealedColumn(model=ClusterChange, field="sealed_token")
# How containers of a server are set up, while somebody may make a project of them.
ADOPTIONS = SealedColumn(model=Adoption, field="sealed")


def secrets(*, after: int | None, limit: int) -> tuple[SealedSecret, ...]:
    """Return a page of the values of projects, in the order of their keys, above `after`."""
    rows = _page(ProjectSecret.objects.all(), after=after, limit=limit)
    return tuple(SealedSecret(pk=row.pk, project_id=row.project_id, key=row.key, sealed=row.sealed) for row in rows)


def stored_variables(*, after: int | None, limit: int) -> tuple[SealedVariable, ...]:
    """Return a page of the variables that stay, in the order of their keys, above `after`."""
    return tuple(sealed_record(row) for row in _page(ProjectVariable.objects.all(), after=after, limit=limit))


def of_deployments(*, after: UUID | None, limit: int) -> tuple[SealedStack, ...]:
    """Return a page of the values that deployments hold, in the order of their ids, above `after`."""
    rows = _page(Deployment.objects.only("pk", "sealed_variables", "env_vars"), after=after, limit=limit)
    return tuple(
        SealedStack(pk=row.pk, deployment_id=row.pk, sealed_variables=row.sealed_variables, env_vars=row.env_vars)
        for row in rows
    )


def of_history(*, after: UUID | None, limit: int) -> tuple[SealedStack, ...]:
    """Return a page of the values that history entries hold, in the order of their ids, above `after`."""
    columns = ("pk", "deployment_id", "sealed_variables", "env_vars")
    rows = _page(DeploymentHistory.objects.only(*columns), after=after, limit=limit)
    return tuple(
        SealedStack(
            pk=row.pk,
            deployment_id=row.deployment_id,
            sealed_variables=row.sealed_variables,
            env_vars=row.env_vars or {},
        )
        for row in rows
    )


def values(column: SealedColumn, *, after: UUID | None, limit: int) -> tuple[SealedValue, ...]:
    """Return a page of what the column holds, in the order of the rows' ids, above `after`."""
    held: QuerySet[Any] = column.model._default_manager.exclude(**{column.field: ""}).only("pk", column.field)
    rows = _page(held, after=after, limit=limit)
    return tuple(SealedValue(pk=row.pk, sealed=getattr(row, column.field)) for row in rows)


def replace_value(column: SealedColumn, *, old: SealedValue, sealed: str) -> bool:
    """Replace the value; return False when it was changed, wiped or deleted meanwhile, which needs nothing."""
    still: QuerySet[Any] = column.model._default_manager.filter(pk=old.pk, **{column.field: old.sealed})
    return still.update(**{column.field: sealed}) == 1


def replace_secret(*, old: SealedSecret, sealed: str) -> bool:
    """Replace the value; return False when somebody stored another one meanwhile, which needs nothing."""
    return ProjectSecret.objects.filter(pk=old.pk, sealed=old.sealed).update(sealed=sealed) == 1


def replace_variable(*, old: SealedVariable, sealed: str) -> bool:
    """Replace the value; return False when somebody set or removed it meanwhile, which needs nothing."""
    return ProjectVariable.objects.filter(pk=old.pk, sealed=old.sealed).update(sealed=sealed) == 1


def replace_of_deployment(*, old: SealedStack, sealed_variables: str, env_vars: Mapping[str, str]) -> bool:
    return _replace(Deployment.objects.all(), old=old, sealed_variables=sealed_variables, env_vars=env_vars)


def replace_of_history(*, old: SealedStack, sealed_variables: str, env_vars: Mapping[str, str]) -> bool:
    return _replace(DeploymentHistory.objects.all(), old=old, sealed_variables=sealed_variables, env_vars=env_vars)


def _page(rows: QuerySet[Any], *, after: Any, limit: int) -> QuerySet[Any]:
    above = rows if after is None else rows.filter(pk__gt=after)
    return above.order_by("pk")[:limit]


def _replace(
    rows: QuerySet[Model, Model], *, old: SealedStack, sealed_variables: str, env_vars: Mapping[str, str]
) -> bool:
    unchanged = rows.filter(pk=old.pk, sealed_variables=old.sealed_variables)
    if old.env_vars:
        unchanged = unchanged.filter(env_vars=dict(old.env_vars))
        return unchanged.update(sealed_variables=sealed_variables, env_vars=dict(env_vars)) == 1
    return unchanged.update(sealed_variables=sealed_variables) == 1
