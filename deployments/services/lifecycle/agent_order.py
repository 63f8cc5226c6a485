"""What an agent is ordered to do for a deployment: names of variables, never their values. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from agents.types import DeployCommand, JobSpec, ServiceSpec
from deployments.services.history import snapshots
from deployments.services.lifecycle.prepare import Prepared
from deployments.types import DeploymentRecord, ProjectRecord
from stackgen.results import StackService


def command_of(*, deployment: DeploymentRecord, project: ProjectRecord, prepared: Prepared) -> DeployCommand:
    """Return the agent's order. It holds names of variables, never values."""
    config = prepared.config
    return DeployCommand(
        stack_name=config["stackName"],
        files=dict(config["files"]),
        services=tuple(spec_of(service, hashes=config["hashes"]) for service in snapshots.services_of(config)),
        variable_names=tuple(config["variableNames"]),
        force_redeploy=deployment.force_redeploy,
        health_deadline_seconds=project.health_deadline,
        health_window_seconds=project.health_window,
        build_deadline_seconds=settings.AXION_BUILD_DEADLINE,
        # The setting is about deployments; a rollback that fails always leaves what ran before it.
        restore_on_failure=project.restore_on_failure or deployment.rollback_of is not None,
        pinned_images=dict(prepared.pinned_images),
        restarts=prepared.renewed,
        moves=deployment.moved,
        engine=str(config.get("engine", "compose")),
        registry_address=config.get("registry", {}).get("address", ""),
        registry_namespace=config.get("registry", {}).get("namespace", ""),
        jobs=tuple(
            JobSpec(
                service=spec_of(job.service, hashes=config["hashes"]),
                repeatable=job.repeatable,
                timeout_seconds=job.timeout_seconds,
                needs=job.needs,
                by_hand=job.by_hand,
                schedule=job.schedule,
                time_zone=job.time_zone,
                overlap=job.overlap,
            )
            for job in snapshots.jobs_of(config)
        ),
    )


def spec_of(service: StackService, *, hashes: Mapping[str, str]) -> ServiceSpec:
    """Return a service of the stack as the agent is told of it."""
    return ServiceSpec(
        node_id=service.node_id,
        name=service.name,
        image=service.image,
        bundle_digest=service.bundle_digest,
        dockerfile=service.dockerfile,
        depends_on=tuple(service.depends_on),
        has_health_check=service.has_health_check,
        replicas=service.replicas,
        content_hash=hashes[service.name],
        level=service.level,
        starts_first=service.starts_first,
        build_folder=service.build_folder,
        build_dockerfile=service.build_dockerfile,
        build_target=service.build_target,
        build_args=dict(service.build_args),
        build_secrets=dict(service.build_secrets),
    )
