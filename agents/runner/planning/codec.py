"""Between the wire's messages and the runner's own values; what comes in is checked here. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from agents.contracts import runner_pb2 as pb
from agents.contracts.job_schedule import Schedule, is_schedule
from agents.reports.report_bounds import IMAGE_ID
from agents.runner.errors import StepFailedError
from agents.runner.planning import overlay, stackfile
from agents.runner.planning.model import Job, RegistryCleanup, Release, WantedBuild, WantedService

COMPOSE_FILE = "docker-compose.yml"
# Files that the agent puts beside those of the release.
OURS = frozenset({stackfile.FILE_NAME, overlay.FILE_NAME})
STACK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# Names by which Compose, Docker or the loader would take orders from a project's variables.
RESERVED = re.compile(
    r"(PATH|HOME|USER|TMPDIR|SHELL|IFS|LD_.*|DOCKER_.*|COMPOSE_.*|BUILDX_.*|BUILDKIT_.*|SSL_.*|"
    r"GODEBUG|(HTTPS?|NO|ALL|FTP)_PROXY|XDG_.*|AXION_RUNNER_.*)",
    re.IGNORECASE,
)
# BuildKit takes orders from arguments of these names; `ca` and `ca_bundle` are secrets of this host.
BUILD_ARGUMENT = re.compile(r"(?!(?:BUILDKIT|BUILDX|SOURCE_DATE)_)[A-Za-z_][A-Za-z0-9_]*")
BUILD_SECRET = re.compile(r"(?!(?:ca|ca_bundle)\Z)[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
REGISTRY = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?/[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
)
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def release_of(command: pb.Command) -> Release:
    """Read the deploy command. Raises StepFailedError(invalid) for names that must not reach the host."""
    deploy = command.deploy
    _check_names(command)
    return Release(
        deployment_id=command.deployment_id,
        project_id=command.project_id,
        stack=deploy.stack_name,
        files=dict(deploy.files),
        services=tuple(_service(spec) for spec in deploy.services),
        variable_names=tuple(deploy.variable_names),
        force=deploy.force_redeploy,
        restarts=frozenset(deploy.restarts),
        health_deadline=float(deploy.health_deadline_seconds or 120),
        health_window=float(deploy.health_window_seconds),
        build_deadline=float(deploy.build_deadline_seconds or 900),
        restore_on_failure=deploy.restore_on_failure,
        pinned=dict(deploy.pinned_images),
        lane=command.lane,
        jobs=tuple(_job(spec) for spec in deploy.jobs),
        registry_address=deploy.registry_address,
        registry_namespace=deploy.registry_namespace,
        takes_over={each.id: each.name for each in deploy.takes_over},
        adopted_volumes=frozenset(deploy.adopted_volumes),
        built=dict(deploy.built_images),
        moves=dict(deploy.moves),
        registry_cleanup=_cleanup(deploy.registry_cleanup) if deploy.HasField("registry_cleanup") else None,
    )


def release_of_build(command: pb.Command) -> Release:
    """Read the build command: a release of which only images are made. Raises as above."""
    order = command.build
    deploy = pb.Deploy(
        stack_name=order.stack_name,
        files=dict(order.files),
        services=order.services,
        variable_names=order.variable_names,
        build_deadline_seconds=order.build_deadline_seconds,
        registry_address=order.registry_address,
        registry_namespace=order.registry_namespace,
        registry_cleanup=order.registry_cleanup if order.HasField("registry_cleanup") else None,
    )
    return release_of(
        pb.Command(lane=command.lane, deployment_id=command.deployment_id, project_id=command.project_id, deploy=deploy)
    )


def _cleanup(order: pb.RegistryCleanup) -> RegistryCleanup:
    """Read what may go from the registry; what is no name of a service there is left out."""
    services = frozenset(name for name in order.services if SAFE_ID.fullmatch(name))
    return RegistryCleanup(kept=frozenset(order.kept_digests), services=services)


def _check_registry(deploy: pb.Deploy) -> None:
    """Raise StepFailedError where images would get names that Docker could take for something else."""
    where = f"{deploy.registry_address}/{deploy.registry_namespace}"
    if deploy.registry_address and not REGISTRY.fullmatch(where):
        raise StepFailedError("invalid", f"{where!r} is no place in a registry to which this host pushes images.")


def stack_of(command: pb.Command) -> str:
    """Return the stack that the command is about; empty for a kind that names none."""
    payload = getattr(command, command.WhichOneof("payload") or "", None)
    return str(getattr(payload, "stack_name", ""))


def _service(spec: pb.ServiceSpec) -> WantedService:
    return WantedService(
        name=spec.name,
        image=spec.image,
        node_id=spec.node_id,
        bundle_digest=spec.bundle_digest,
        dockerfile=spec.dockerfile,
        has_health_check=spec.has_health_check,
        replicas=max(1, spec.replicas),
        content_hash=spec.content_hash,
        level=spec.level,
        needs=tuple(spec.depends_on),
        starts_first=spec.starts_first,
        build=WantedBuild(
            folder=spec.build_folder,
            dockerfile=spec.build_dockerfile,
            target=spec.build_target,
            args=dict(spec.build_args),
            secrets=dict(spec.build_secrets),
        ),
    )


def _job(spec: pb.JobSpec) -> Job:
    return Job(
        service=_service(spec.service),
        needs=tuple(spec.needs),
        repeatable=spec.repeatable,
        by_hand=spec.by_hand,
        schedule=Schedule(cron=spec.schedule, time_zone=spec.time_zone or "UTC") if spec.schedule else None,
        overlap=spec.overlap,
        timeout=float(spec.timeout_seconds or 3600),
    )


def _check_names(command: pb.Command) -> None:
    deploy = command.deploy
    if not STACK_NAME.fullmatch(deploy.stack_name) or not SAFE_ID.fullmatch(command.deployment_id):
        raise StepFailedError("invalid", "The stack's name or the deployment's id cannot be used on this host.")
    if deploy.services and COMPOSE_FILE not in deploy.files:
        raise StepFailedError("invalid", f"The deployment has no {COMPOSE_FILE}.")
    _check_file_names(deploy)
    for name in deploy.variable_names:
        if not VARIABLE_NAME.fullmatch(name) or RESERVED.fullmatch(name):
            raise StepFailedError("invalid", f"The variable name {name!r} is reserved; choose another.")
    for spec in (*deploy.services, *(job.service for job in deploy.jobs)):
        if not SAFE_ID.fullmatch(spec.name) or not spec.image or spec.image.startswith("-"):
            raise StepFailedError("invalid", f"The service {spec.name!r} has no usable name or image.")
        # With pinned images nothing is built.
        if spec.dockerfile and spec.dockerfile not in deploy.files and not deploy.pinned_images:
            message = f"The Dockerfile {spec.dockerfile!r} of {spec.name} is not a file of the deployment."
            raise StepFailedError("invalid", message, service=spec.name)
        _check_build(spec, variables=set(deploy.variable_names))
    _check_pins(deploy)
    _check_schedules(deploy)
    _check_registry(deploy)


def _check_build(spec: pb.ServiceSpec, *, variables: set[str]) -> None:
    """Raise StepFailedError for a build that would leave its code, order BuildKit about, or read foreign values."""
    wrong = [path for path in (spec.build_folder, spec.build_dockerfile) if path and not _stays_inside(path)]
    wrong += [name for name in spec.build_args if not BUILD_ARGUMENT.fullmatch(name)]
    wrong += [name for name in spec.build_secrets if not BUILD_SECRET.fullmatch(name)]
    wrong += [name for name in spec.build_secrets.values() if name not in variables]
    wrong += [spec.build_target] if spec.build_target and not SAFE_ID.fullmatch(spec.build_target) else []
    if wrong:
        message = f"{wrong[0]!r} cannot be part of how {spec.name} is built on this host."
        raise StepFailedError("invalid", message, service=spec.name)


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts) and "\0" not in name


def _check_file_names(deploy: pb.Deploy) -> None:
    taken = {*deploy.files, *OURS}
    for name in deploy.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name or str(path) != name:
            raise StepFailedError("invalid", f"The file name {name!r} leaves the release's folder.")
        above = next((str(each) for each in path.parents if str(each) in taken), "")
        if above:
            raise StepFailedError("invalid", f"The file name {name!r} lies below {above!r}, which is a file itself.")


def _check_schedules(deploy: pb.Deploy) -> None:
    for job in deploy.jobs:
        if job.schedule and not is_schedule(Schedule(cron=job.schedule, time_zone=job.time_zone or "UTC")):
            message = f"The schedule {job.schedule!r} ({job.time_zone}) of {job.service.name} cannot be read here."
            raise StepFailedError("invalid", message, service=job.service.name)


def _check_pins(deploy: pb.Deploy) -> None:
    """Raise StepFailedError unless all services are pinned or none: nobody ever had a stack of both."""
    for name, digest in deploy.built_images.items():
        if not IMAGE_ID.fullmatch(digest):
            raise StepFailedError("invalid", f"{digest!r} is no digest that {name} could run.", service=name)
    if not deploy.pinned_images:
        return
    for spec in deploy.services:
        image = deploy.pinned_images.get(spec.name, "")
        if not IMAGE_ID.fullmatch(image):
            raise StepFailedError(
                "invalid", f"{image!r} is not an image id that {spec.name} could run.", service=spec.name
            )
