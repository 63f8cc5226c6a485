"""Which state of a deployment is stored, without reading it."""

from __future__ import annotations

from uuid import UUID

from agents import prepared
from agents.wording.sentences import sentence
from deployments.data.list_types import DeploymentStamp
from deployments.errors import NotFound

# xmin names the transaction that wrote the row as it is: no change of it is missed, with an event or without. The
# others are what a record shows of the rows beside it that may change.
STAMP = """
SELECT deployment.project_id, project.owner_id, deployment.last_sequence, deployment.xmin::text,
       asker.username, coalesce(entry.version, '')
FROM deployments AS deployment
JOIN projects AS project ON project.id = deployment.project_id
JOIN users AS asker ON asker.id = deployment.requested_by_id
LEFT JOIN deployment_history AS entry ON entry.deployment_id = deployment.id
WHERE deployment.id = %s
"""


def stamp_of(*, deployment_id: UUID) -> DeploymentStamp:
    """Return what tells whether the deployment is as it was. Outside of a transaction. Raises NotFound."""
    row = prepared.fetch_one(STAMP, [deployment_id])
    if row is None:
        raise NotFound(sentence("No such deployment."))
    project_id, owner_id, last_sequence, *mark = row
    return DeploymentStamp(
        deployment_id=deployment_id,
        project_id=project_id,
        project_owner_id=owner_id,
        last_sequence=last_sequence,
        mark=tuple(mark),
    )
