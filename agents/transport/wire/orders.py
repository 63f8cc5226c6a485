"""What deployments order of agents, to protobuf."""

from __future__ import annotations

from agents.command_types import RegistryCleanup
from agents.contracts import runner_pb2
from agents.types import BuildCommand, DeployCommand, RevertCommand, ServiceSpec


def deploy_to_wire(command: DeployCommand) -> runner_pb2.Deploy:
    return runner_pb2.Deploy(
        stack_name=command.stack_name,
        files=dict(command.files),
        services=[_spec_to_wire(service) for service in command.services],
        variable_names=command.variable_names,
        force_redeploy=command.force_redeploy,
        health_deadline_seconds=command.health_deadline_seconds,
        health_window_seconds=command.health_window_seconds,
        build_deadline_seconds=command.build_deadline_seconds,
        restore_on_failure=command.restore_on_failure,
        pinned_images=dict(command.pinned_images),
        restarts=command.restarts,
        registry_address=command.registry_address,
        registry_namespace=command.registry_namespace,
        engine=command.engine,
        takes_over=[runner_pb2.TakenContainer(id=each, name=name) for each, name in command.takes_over.items()],
        adopted_volumes=command.adopted_volumes,
        built_images=dict(command.built_images),
        registry_cleanup=_cleanup_to_wire(command.registry_cleanup),
        moves=dict(command.moves),
        jobs=[
            runner_pb2.JobSpec(
                service=_spec_to_wire(job.service),
                repeatable=job.repeatable,
                timeout_seconds=job.timeout_seconds,
                needs=job.needs,
                by_hand=job.by_hand,
                schedule=job.schedule,
                time_zone=job.time_zone,
                overlap=job.overlap,
            )
            for job in command.jobs
        ],
    )


def build_to_wire(command: BuildCommand) -> runner_pb2.Build:
    order = command.order
    return runner_pb2.Build(
        stack_name=order.stack_name,
        files=dict(order.files),
        services=[_spec_to_wire(service) for service in order.built],
        variable_names=command.variable_names,
        build_deadline_seconds=order.build_deadline_seconds,
        registry_address=order.registry_address,
        registry_namespace=order.registry_namespace,
        registry_cleanup=_cleanup_to_wire(order.registry_cleanup),
    )


def _cleanup_to_wire(cleanup: RegistryCleanup | None) -> runner_pb2.RegistryCleanup | None:
    if cleanup is None:
        return None
    return runner_pb2.RegistryCleanup(kept_digests=cleanup.kept_digests, services=cleanup.services)


def _spec_to_wire(service: ServiceSpec) -> runner_pb2.ServiceSpec:
    return runner_pb2.ServiceSpec(
        node_id=service.node_id,
        name=service.name,
        image=service.image,
        bundle_digest=service.bundle_digest,
        dockerfile=service.dockerfile,
        depends_on=service.depends_on,
        has_health_check=service.has_health_check,
        replicas=service.replicas,
        content_hash=service.content_hash,
        level=service.level,
        starts_first=service.starts_first,
        build_folder=service.build_folder,
        build_dockerfile=service.build_dockerfile,
        build_target=service.build_target,
        build_args=dict(service.build_args),
        build_secrets=dict(service.build_secrets),
    )


def revert_to_wire(command: RevertCommand) -> runner_pb2.Revert:
    return runner_pb2.Revert(
        stack_name=command.stack_name,
        asked_by=command.asked_by,
        cause=command.cause,
        keep_proven=command.keep_proven,
        engine=command.engine,
    )
