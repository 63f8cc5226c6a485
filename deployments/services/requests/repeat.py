"""Ask for a deployment again: with the variables that it was asked for with, which nobody types or sees twice."""

from __future__ import annotations

from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import Conflict, Invalid
from deployments.repositories import deployments
from deployments.services.permissions import access
from deployments.services.secrets import sealing
from deployments.types import Caller, Right

GONE = "The variables of that deployment are no longer kept. Enter them again."


def variables_of(*, caller: Caller, project_id: UUID, deployment_id: UUID) -> dict[str, str]:
    """Return the variables that the deployment was asked for with. They are secret: hand them to a request alone.

    Not those that stay: the repeat takes these as they are by then.

    Raises NotFound, Forbidden without the right to deploy, Invalid for another project's, or Conflict when they are
    gone.
    """
    deployment = access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.DEPLOY)
    if deployment.project_id != project_id:
        raise Invalid(
            sentence("That deployment is of another project."), details={"again": sentence("of another project")}
        )
    _, sealed = deployments.sealed_values(deployment_id=deployment_id)
    try:
        found = sealing.unseal_env(sealed=sealed, deployment_id=deployment_id)
    except sealing.CannotUnsealError as error:
        raise Conflict(GONE, details={"again": sentence("no longer kept")}) from error
    stored = set(deployment.config.get("storedNames", ()))
    return {name: value for name, value in found.items() if name not in stored}
