"""Deployments by their own row alone: what a report changes needs nothing of their neighbours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import NotFound
from deployments.models import Deployment
from deployments.repositories.records import DEPLOYMENT_COLUMNS, deployment_record, service_from_json
from deployments.types import DeploymentRecord, ServiceState

# A stack of a thousand services has megabytes of them: reading and parsing these takes longer than all else.
LARGE: Mapping[str, Any] = {
    "service_statuses": [],
    "config": {},
    "env_vars": {},
    "code": {},
    "replicas": None,
    "log_tail": [],
}
NEIGHBOURS: Mapping[str, Any] = {
    "project__name": "",
    "project__owner_id": UUID(int=0),
    "requested_by__username": "",
    "cancel_requested_by__username": "",
    "history__version": "",
    "graph_version__version": 0,
    "graph_version__graph": {},
}
COLUMNS = tuple(name for name in DEPLOYMENT_COLUMNS if name not in {*LARGE, *NEIGHBOURS})


@dataclass(frozen=True, kw_only=True)
class Held:
    """A deployment whose row is locked, and the bytes of log that it has."""

    deployment: DeploymentRecord
    log_bytes: int


def get_locked(*, deployment_id: UUID, but: Collection[str] = ()) -> Held:
    """Return the deployment with its row locked until the transaction ends, as if LARGE and NEIGHBOURS were empty.

    `but`: those of LARGE that are read all the same. For who changes nothing of the rest. Raises NotFound.
    """
    columns = (*COLUMNS, "log_bytes", *but)
    # Of one table: of a join, PostgreSQL would give what it had read of the others before it waited for the lock.
    rows = Deployment.objects.select_for_update(no_key=True).filter(pk=deployment_id).order_by().values(*columns)
    row = next(iter(rows), None)
    if row is None:
        raise NotFound(sentence("No such deployment."))
    return Held(deployment=deployment_record({**LARGE, **NEIGHBOURS, **row}), log_bytes=row["log_bytes"])


def services_of(*, deployment_ids: Collection[UUID]) -> dict[UUID, tuple[ServiceState, ...]]:
    """Return the services of these deployments without the rest of the rows, which can be large."""
    found = Deployment.objects.filter(pk__in=deployment_ids).values_list("pk", "service_statuses")
    return {deployment_id: tuple(map(service_from_json, services)) for deployment_id, services in found}
