"""Deployments without what grows with their stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import NotFound
from deployments.models import Deployment
from deployments.repositories.records import DEPLOYMENT_COLUMNS, deployment_record
from deployments.types import DeploymentRecord

# A stack of a thousand services has megabytes of them: reading and parsing these takes longer than all else.
LARGE: Mapping[str, Any] = {
    "service_statuses": [],
    "env_vars": {},
    "config": {},
    "graph_version__graph": {},
    "code": {},
    "replicas": None,
    "log_tail": [],
}
COLUMNS = tuple(name for name in DEPLOYMENT_COLUMNS if name not in LARGE)


def get_locked(*, deployment_id: UUID) -> DeploymentRecord:
    """Return the deployment with its row locked until the transaction ends, as if its LARGE columns were empty.

    For who changes nothing of these. Raises NotFound.
    """
    Deployment.objects.select_for_update(no_key=True).only("pk").filter(pk=deployment_id).first()
    row = Deployment.objects.filter(pk=deployment_id).values(*COLUMNS).first()
    if row is None:
        raise NotFound(sentence("No such deployment."))
    return deployment_record({**row, **LARGE})
