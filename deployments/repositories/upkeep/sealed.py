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
class SealedSession:
    """The session of who asked for a deployment that waits."""

    pk: UUID
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SealedChannel:
    """The address of a channel of notifications."""

    pk: UUID
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SealedPassword:
    """The password of a registry."""

    pk: UUID
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SealedInstallation:
    """What an installation that has not ended signs in with."""

    pk: UUID
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SealedLogin:
    """A login that is kept for a server, by the server's id."""

    pk: UUID
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SealedAuthority:
    """The private key of a certificate authority."""

    pk: UUID
    sealed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SealedJoinToken:
    """What a server is about to join a cluster with."""

    pk: UUID
    sealed: str = field(repr=False)


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


def sessions(*, after: UUID | None, limit: int) -> tuple[SealedSession, ...]:
    """Return a page of the sessions of deployments that wait, in the order of their ids, above `after`."""
    rows = _page(Deployment.objects.exclude(sealed_session="").only("pk", "sealed_session"), after=after, limit=limit)
    return tuple(SealedSession(pk=row.pk, sealed=row.sealed_session) for row in rows)


def channels(*, after: UUID | None, limit: int) -> tuple[SealedChannel, ...]:
    """Return a page of the addresses of channels, in the order of their ids, above `after`."""
    rows = _page(NotificationChannel.objects.only("pk", "sealed"), after=after, limit=limit)
    return tuple(SealedChannel(pk=row.pk, sealed=row.sealed) for row in rows)


def registries(*, after: UUID | None, limit: int) -> tuple[SealedPassword, ...]:
    """Return a page of the passwords of registries, in the order of their ids, above `after`."""
    rows = _page(Registry.objects.exclude(sealed="").only("pk", "sealed"), after=after, limit=limit)
    return tuple(SealedPassword(pk=row.pk, sealed=row.sealed) for row in rows)


def replace_registry(*, old: SealedPassword, sealed: str) -> bool:
    """Replace the password; return False when somebody gave another one meanwhile, which needs nothing."""
    return Registry.objects.filter(pk=old.pk, sealed=old.sealed).update(sealed=sealed) == 1


def installations(*, after: UUID | None, limit: int) -> tuple[SealedInstallation, ...]:
    """Return a page of the logins of installations that have not ended, in the order of their ids, above `after`."""
    rows = _page(AgentInstallation.objects.exclude(sealed="").only("pk", "sealed"), after=after, limit=limit)
    return tuple(SealedInstallation(pk=row.pk, sealed=row.sealed) for row in rows)


def logins(*, after: UUID | None, limit: int) -> tuple[SealedLogin, ...]:
    """Return a page of the kept logins, in the order of their servers' ids, above `after`."""
    rows = _page(ServerAccess.objects.exclude(sealed="").only("pk", "sealed"), after=after, limit=limit)
    return tuple(SealedLogin(pk=row.pk, sealed=row.sealed) for row in rows)


def replace_installation(*, old: SealedInstallation, sealed: str) -> bool:
    """Replace the login; return False when the installation has ended meanwhile."""
    return AgentInstallation.objects.filter(pk=old.pk, sealed=old.sealed).update(sealed=sealed) == 1


def replace_login(*, old: SealedLogin, sealed: str) -> bool:
    """Replace the login; return False when another one was kept, or it was forgotten, meanwhile."""
    return ServerAccess.objects.filter(pk=old.pk, sealed=old.sealed).update(sealed=sealed) == 1


def authorities(*, after: UUID | None, limit: int) -> tuple[SealedAuthority, ...]:
    """Return a page of the keys of authorities that are trusted, in the order of their ids, above `after`."""
    rows = _page(Authority.objects.exclude(sealed_key=""), after=after, limit=limit)
    return tuple(SealedAuthority(pk=row.pk, sealed=row.sealed_key) for row in rows)


def replace_authority(*, old: SealedAuthority, sealed: str) -> bool:
    """Replace the key; return False when the authority was retired meanwhile."""
    return Authority.objects.filter(pk=old.pk, sealed_key=old.sealed).update(sealed_key=sealed) == 1


def join_tokens(*, after: UUID | None, limit: int) -> tuple[SealedJoinToken, ...]:
    """Return a page of the tokens of changes of clusters at work, in the order of their ids, above `after`."""
    held = ClusterChange.objects.exclude(sealed_token="").only("pk", "sealed_token")
    return tuple(SealedJoinToken(pk=row.pk, sealed=row.sealed_token) for row in _page(held, after=after, limit=limit))


def replace_join_token(*, old: SealedJoinToken, sealed: str) -> bool:
    """Replace the token; return False when it was wiped meanwhile."""
    return ClusterChange.objects.filter(pk=old.pk, sealed_token=old.sealed).update(sealed_token=sealed) == 1


def replace_channel(*, old: SealedChannel, sealed: str) -> bool:
    """Replace the address; return False when the channel was deleted meanwhile."""
    return NotificationChannel.objects.filter(pk=old.pk, sealed=old.sealed).update(sealed=sealed) == 1


def replace_session(*, old: SealedSession, sealed: str) -> bool:
    """Replace the session; return False when it was wiped meanwhile."""
    return Deployment.objects.filter(pk=old.pk, sealed_session=old.sealed).update(sealed_session=sealed) == 1


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
