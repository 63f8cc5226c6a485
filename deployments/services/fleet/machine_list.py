"""Servers and clusters as a door shows them: a caller's own, everyone's for who sees everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction

from agents.errors import AgentNotFound, ServerNotFound
from agents.errors import NotFound as TokenNotFound
from agents.services import directory, enrolment
from agents.states import ServerFilter
from agents.types import ClusterData, EnrolmentTokenData, IssuedToken, ServerData
from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, NotFound
from deployments.names import usable_name
from deployments.repositories import removed_machines
from deployments.services.audit.record import record
from deployments.services.fleet import server_words
from deployments.services.permissions import quotas
from deployments.types import Caller, Target, TargetKind


@dataclass(frozen=True, kw_only=True)
class Machines:
    """What a caller may deploy to."""

    servers: tuple[ServerData, ...]
    clusters: tuple[ClusterData, ...]


def servers_matching(*, caller: Caller, matching: ServerFilter) -> tuple[ServerData, ...]:
    """Return those of the caller's own servers that match, by name."""
    return directory.servers_of(owner_id=caller.user_id, matching=matching)


def machines_of(caller: Caller) -> Machines:
    """Return the caller's own servers and clusters, by name."""
    return Machines(
        servers=directory.servers_of(owner_id=caller.user_id), clusters=directory.clusters_of(owner_id=caller.user_id)
    )


def target_name(target: Target) -> str:
    """Return what people call it, or called it when it is gone. The caller may see a deployment there."""
    try:
        if target.kind is TargetKind.SERVER:
            return directory.get_server(server_id=target.id).name
        return directory.get_cluster(cluster_id=target.id).name
    except ServerNotFound:
        return removed_machines.name_of(target.id)


def gone_among(machine_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return which of these servers and clusters were deleted."""
    return removed_machines.gone_among(machine_ids)


def target_names(targets: Iterable[Target]) -> dict[UUID, str]:
    """Return what people call several targets, by id; each is looked up once."""
    return {target.id: target_name(target) for target in set(targets)}


def add_server(
    *, caller: Caller, server_id: UUID, name: str, host: str = "", cluster_id: UUID | None = None
) -> ServerData:
    """Add a server of the caller; its agent enrols later.

    Raises Invalid, TooMuch, NotFound for a cluster that is not the caller's, or Conflict when the name is taken.
    """
    name = usable_name(name, what="server")
    host = server_words.usable_host(host)
    quotas.check_server_quota(owner_id=caller.user_id)
    if cluster_id is not None and cluster_id not in {cluster.id for cluster in machines_of(caller).clusters}:
        raise NotFound(sentence("No such cluster."), details={"clusterId": sentence("not found")})
    try:
        with transaction.atomic():
            added = directory.add_server(
                server_id=server_id, owner_id=caller.user_id, name=name, host=host, cluster_id=cluster_id
            )
            record(by=caller, action=AuditAction.MACHINE_CREATED, detail=f"server {name}", server_id=server_id)
            return added
    except IntegrityError as error:
        raise Conflict(
            sentence("You have a server of this name already."), details={"name": sentence("taken")}
        ) from error


def add_cluster(*, caller: Caller, cluster_id: UUID, name: str) -> ClusterData:
    """Add a cluster of the caller, without servers. Raises Invalid, or Conflict when the name is taken."""
    name = usable_name(name, what="cluster")
    try:
        with transaction.atomic():
            added = directory.add_cluster(cluster_id=cluster_id, owner_id=caller.user_id, name=name)
            record(by=caller, action=AuditAction.MACHINE_CREATED, detail=f"cluster {name}", server_id=cluster_id)
            return added
    except IntegrityError as error:
        raise Conflict(
            sentence("You have a cluster of this name already."), details={"name": sentence("taken")}
        ) from error


class Owned(Protocol):
    """Whatever has an owner."""

    @property
    def owner_id(self) -> UUID: ...


T = TypeVar("T", bound=Owned)


def require_owned(*, caller: Caller, what: str, find: Callable[[], T]) -> T:
    """Return what `find` returns. Raises NotFound, also for somebody else's."""
    try:
        found = find()
    except (ServerNotFound, AgentNotFound):
        raise NotFound(sentence("No such {what}.", what=what)) from None
    if not caller.sees_everything and found.owner_id != caller.user_id:
        raise NotFound(sentence("No such {what}.", what=what))
    return found


def get_server(*, caller: Caller, server_id: UUID) -> ServerData:
    """Return the server. Raises NotFound, also for somebody else's."""
    return require_owned(caller=caller, what="server", find=lambda: directory.get_server(server_id=server_id))


def issue_enrolment_token(
    *, caller: Caller, server_id: UUID, replace: bool = False, reached_by: str = ""
) -> IssuedToken:
    """Issue a one-time token with which one agent enrols on the server; earlier ones end. Raises NotFound.

    With `replace` also while an agent is connected there, whose place it takes. `reached_by`: the host by which the
    agent's machine reaches the gateway; empty for the first of the gateway's names.
    """
    server = get_server(caller=caller, server_id=server_id)
    with transaction.atomic():
        detail = "may replace a connected agent" if replace else ""
        record(by=caller, action=AuditAction.ENROLMENT_TOKEN_CREATED, detail=detail, server_id=server_id)
        return enrolment.create_token(
            server_id=server.id, owner_id=server.owner_id, replace=replace, reached_by=reached_by
        )


def list_enrolment_tokens(*, caller: Caller, server_id: UUID) -> tuple[EnrolmentTokenData, ...]:
    """Return the tokens that would admit an agent now. Raises NotFound."""
    return enrolment.list_tokens(server_id=get_server(caller=caller, server_id=server_id).id)


def end_enrolment_token(*, caller: Caller, server_id: UUID, token_id: UUID) -> None:
    """End a token. Raises NotFound, also for a used one and for somebody else's."""
    get_server(caller=caller, server_id=server_id)
    try:
        with transaction.atomic():
            enrolment.end_token(server_id=server_id, token_id=token_id)
            record(by=caller, action=AuditAction.ENROLMENT_TOKEN_DELETED, server_id=server_id)
    except TokenNotFound:
        raise NotFound(sentence("No such token.")) from None
