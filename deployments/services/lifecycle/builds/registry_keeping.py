"""Which images of a project its cluster's registry has to keep, said with each order that builds."""

from __future__ import annotations

from dataclasses import replace

from agents.command_types import RegistryCleanup
from agents.types import DeployCommand
from deployments.errors import Invalid
from deployments.repositories import history, lanes
from deployments.services.stacks import stack_size
from deployments.types import DeploymentRecord, TargetKind

# So that the order stays small; a project that keeps more keeps everything.
MAX_KEPT = 2000
# Services of older versions alone are forgotten, with what they left in the registry.
MAX_VERSIONS = 200


def with_cleanup(command: DeployCommand, *, deployment: DeploymentRecord) -> DeployCommand:
    """Return the order with what the registry need not keep, where it builds for a cluster.

    Inside the transaction that starts the deployment: what its lane keeps is what is true until it ends. Another lane
    of the project may use the same images; while one is at work, nothing goes.
    """
    if deployment.target.kind is not TargetKind.CLUSTER or not command.built or not command.registry_address:
        return command
    if lanes.busy_targets(project_id=deployment.project_id) - {deployment.target.id}:
        return command
    kept = history.kept_digests(project_id=deployment.project_id)
    if len(kept) > MAX_KEPT:
        return command
    services = history.services_with_images(project_id=deployment.project_id, limit=MAX_VERSIONS)
    cleanup = RegistryCleanup(kept_digests=tuple(sorted(kept)), services=tuple(sorted(services)))
    told = replace(command, registry_cleanup=cleanup)
    try:
        stack_size.check_command(told)
    except Invalid:
        # It fitted without.
        return command
    return told
