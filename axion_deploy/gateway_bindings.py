"""What the agents' gateway asks of the deployments: `agents` never imports them, so the process binds them here."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from redis.exceptions import RedisError

from agents import gateway
from agents.deployment_state import DeployedServiceState as WireService
from agents.deployment_state import DeploymentState
from agents.errors import AgentNotFound
from agents.hello import DoubtfulCommand
from agents.isolation import isolation
from agents.reports.job_runs import HostJobRuns
from agents.reports.log_lines import LogBatch, LogReader, LogRequest
from agents.reports.observation import HostObserved
from agents.reports.samples import HostSamples
from agents.reports.swarm_seen import SwarmTold, TasksTold
from agents.reports.volumes import HostVolumes
from agents.services import clusters, directory
from agents.transport.ports import Bindings
from agents.types import RegistryLogin, Report
from axion_deploy.agent_downloads.update_bindings import check_update, update_agent
from axion_deploy.bindings.retentions import retentions_of
from deployments import log_relay
from deployments.errors import Forbidden, NotFound, Unauthenticated
from deployments.limits import rate_limit
from deployments.scopes import Scope
from deployments.services.adoption import inspections
from deployments.services.clusters import join_tokens, progress
from deployments.services.ends import volume_deletion, volumes
from deployments.services.lifecycle import after_restore, agent_access, agent_reports, cancel
from deployments.services.observation import job_runs, record, record_tasks, samples
from deployments.services.permissions import access, api_tokens
from deployments.services.queries import history_view, lookups
from deployments.services.requests import check_reach, check_registry, scale, stop
from deployments.states import Status
from deployments.types import Caller, ServiceState, Target, TargetKind
from deployments.wire import STAGE_NUMBERS, STATUS_NUMBERS, service_status

SERVICE_NUMBERS = {Status.SUCCESS: 1, Status.FAILED: 2, Status.PENDING: 3, Status.IN_PROGRESS: 4}


def bindings() -> Bindings:
    return Bindings(
        enrolment_wait=enrolment_wait,
        on_report=on_report,
        on_usual_reports=on_usual_reports,
        on_observed=on_observed,
        on_volumes=on_volumes,
        on_swarm=on_swarm,
        on_tasks=on_tasks,
        on_samples=on_samples,
        on_job_runs=on_job_runs,
        runs_to_stop=runs_to_stop,
        log_request=log_request,
        on_log_batch=on_log_batch,
        unknown_fate=unknown_fate,
        secrets_of=secrets_of,
        registries_of=registries_of,
        on_join_token=on_join_token,
        on_containers=on_containers,
        bundle_of=bundle_of,
        user_of=user_of,
        deployment_state=deployment_state,
        cancel_deployment=cancel_deployment,
        stop_project=stop_project,
        scale_service=scale_service,
        check_update=check_update,
        update_agent=update_agent,
        retentions_of=retentions_of,
    )


def enrolment_wait(*, address: str) -> int:
    return rate_limit.hit(what="enrolment", who=address, rate=settings.AXION_RATE_ANONYMOUS, now=time.time())


def on_report(*, report: Report) -> int:
    at = datetime.now(UTC)
    try:
        return agent_reports.apply_report(report=report, at=at)
    except NotFound:
        # Of no deployment: asked only then, so that reports of deployments pay nothing for it.
        if progress.is_change(change_id=report.deployment_id):
            return progress.apply_report(report=report, at=at)
        if check_registry.is_test(check_id=report.command_id):
            return check_registry.apply_report(report=report)
        if check_reach.is_of_a_check(command_id=report.command_id):
            return check_reach.apply_report(report=report, at=at)
        if inspections.is_inspection(command_id=report.command_id):
            return inspections.apply_report(report=report, at=at)
        if not volume_deletion.is_of_a_deletion(command_id=report.command_id):
            raise
    return volume_deletion.apply_report(report=report, at=at)


def on_usual_reports(*, reports: Sequence[Report]) -> int:
    return agent_reports.apply_usual_reports(reports=reports, at=datetime.now(UTC))


def on_job_runs(*, told: HostJobRuns) -> None:
    job_runs.record_job_runs(told=told)


def runs_to_stop(*, agent_ids: Collection[UUID]) -> Mapping[UUID, Sequence[UUID]]:
    return job_runs.runs_to_stop(agent_ids=agent_ids)


def on_samples(*, hosts: Sequence[HostSamples]) -> None:
    samples.record_samples(hosts=hosts)


def on_observed(*, observed: HostObserved) -> None:
    record.record_observation(observation=observed)


def on_volumes(*, seen: HostVolumes) -> None:
    volumes.record_volumes(seen=seen)


def on_swarm(*, told: SwarmTold) -> None:
    """Store it, and go on with what waits for it: a change whose agent has come back, or a node that joined."""
    if (server_id := clusters.record_swarm(told=told)) is not None:
        progress.swarm_told(server_id=server_id, at=datetime.now(UTC))


def on_tasks(*, told: TasksTold) -> None:
    record_tasks.record_tasks(told=told)


def on_join_token(*, command_id: UUID, agent_id: UUID, token: str) -> None:
    join_tokens.take_token(command_id=command_id, change_id=_asked_by(command_id, agent_id), token=token)


def on_containers(*, command_id: UUID, agent_id: UUID, containers: bytes) -> None:
    look = _asked_by(command_id, agent_id)
    inspections.take_told(command_id=command_id, adoption_id=look, containers=containers)


def _asked_by(command_id: UUID, agent_id: UUID) -> UUID:
    if (command := gateway.find(command_id=command_id)).agent_id != agent_id:
        raise NotFound("Nobody asked for this.")
    return command.deployment_id


def log_request(*, request_id: UUID, agent_id: UUID) -> LogRequest | None:
    try:
        return log_relay.find_request(request_id=request_id, agent_id=agent_id)
    except RedisError:
        return None


def on_log_batch(*, request_id: UUID, agent_id: UUID, batch: LogBatch | None) -> LogReader:
    try:
        return log_relay.push(request_id=request_id, agent_id=agent_id, batch=batch)
    except RedisError:
        # Who reads is told by Redis, too; the agent need not go on for nobody.
        return LogReader.HAS_GONE


def unknown_fate(*, doubtful: Collection[DoubtfulCommand]) -> None:
    at = datetime.now(UTC)
    for command in doubtful:
        with isolation("unknown fates").item(command.deployment_id):
            if progress.is_change(change_id=command.deployment_id):
                progress.end_as_unknown(change_id=command.deployment_id, command_id=command.command_id, at=at)
                continue
            if check_registry.is_test(check_id=command.command_id):
                check_registry.end_as_unknown(check_id=command.command_id)
                continue
            if inspections.is_inspection(command_id=command.command_id):
                inspections.end_as_unknown(command_id=command.command_id)
                continue
            if volume_deletion.is_of_a_deletion(command_id=command.command_id):
                volume_deletion.end_as_unknown(command_id=command.command_id, at=at)
                continue
            if check_reach.is_of_a_check(command_id=command.command_id):
                check_reach.end_as_unknown(command_id=command.command_id, at=at)
                continue
            after_restore.end_as_unknown(deployment_id=command.deployment_id, command_id=command.command_id, at=at)


def secrets_of(*, deployment_id: UUID, agent_id: UUID) -> Mapping[str, str] | bytes:
    """The gateway has checked that the agent was given a command of the deployment, or of a change of a cluster."""
    if progress.is_change(change_id=deployment_id):
        return join_tokens.values_for_agent(agent_id=agent_id, change_id=deployment_id)
    try:
        return agent_access.values_for_agent(agent_id=agent_id, deployment_id=deployment_id)
    except NotFound:
        # Asked only then, so that deployments pay nothing for it.
        if check_registry.is_test(check_id=deployment_id):
            return {}
        raise


def registries_of(
    *, deployment_id: UUID, agent_id: UUID, opens_sealed: bool = False
) -> Sequence[RegistryLogin] | bytes:
    """As for secrets. Nothing is pulled for a change of a cluster."""
    if progress.is_change(change_id=deployment_id):
        return ()
    try:
        return agent_access.logins_for_agent(agent_id=agent_id, deployment_id=deployment_id, opens_sealed=opens_sealed)
    except NotFound:
        if check_registry.is_test(check_id=deployment_id):
            return check_registry.login_for_agent(check_id=deployment_id)
        raise


def bundle_of(*, digest: str, agent_id: UUID) -> bytes:
    return agent_access.bundle_for_agent(agent_id=agent_id, digest=digest)


def user_of(*, token: str, acts: bool = False) -> UUID | None:
    """The active user behind an API token. Raises Forbidden when the token may only read and the call `acts`."""
    try:
        _, record = api_tokens.authenticate(token=token)
    except Unauthenticated:
        return None
    if acts and not record.scope.allows(Scope.DEPLOY):
        raise Forbidden(record.scope.refusal)
    return record.user_id


def deployment_state(*, deployment_id: UUID, user_id: UUID) -> DeploymentState:
    deployment = lookups.get_deployment(caller=_caller(user_id), deployment_id=deployment_id)
    return DeploymentState(
        deployment_id=deployment.id,
        status=STATUS_NUMBERS[deployment.status],
        services=tuple(_service(service) for service in deployment.services),
        stage=STAGE_NUMBERS[deployment.stage],
        percent=deployment.progress,
        error_message=deployment.message,
    )


def cancel_deployment(*, deployment_id: UUID, user_id: UUID) -> None:
    cancel.cancel_deployment(caller=_caller(user_id), deployment_id=deployment_id, at=datetime.now(UTC))


def stop_project(*, agent_id: UUID, project_id: UUID, user_id: UUID) -> None:
    caller = _caller(user_id)
    stop.stop_project(
        caller=caller,
        project_id=project_id,
        target=_target_of(caller=caller, agent_id=agent_id, project_id=project_id),
        deployment_id=uuid4(),
        at=datetime.now(UTC),
    )


def scale_service(*, agent_id: UUID, project_id: UUID, service_name: str, replicas: int, user_id: UUID) -> None:
    caller = _caller(user_id)
    scale.scale_service(
        caller=caller,
        project_id=project_id,
        target=_target_of(caller=caller, agent_id=agent_id, project_id=project_id),
        service_name=service_name,
        replicas=replicas,
        deployment_id=uuid4(),
        at=datetime.now(UTC),
    )


def _target_of(*, caller: Caller, agent_id: UUID, project_id: UUID) -> Target:
    """The agent's server, unless the project ran only on the cluster that the server is in. Raises AgentNotFound."""
    targets = directory.targets_of(agent_ids=[agent_id])
    if agent_id not in targets:
        raise AgentNotFound
    server_id, *clusters = targets[agent_id]
    for cluster_id in clusters:
        if not history_view.list_history(caller=caller, project_id=project_id, target_id=server_id, limit=1).total:
            return Target(kind=TargetKind.CLUSTER, id=cluster_id)
    return Target(kind=TargetKind.SERVER, id=server_id)


def _caller(user_id: UUID) -> Caller:
    return access.caller_of(get_user_model().objects.filter(pk=user_id).first())


def _service(service: ServiceState) -> WireService:
    return WireService(
        service_id=service.node_id,
        service_name=service.name,
        status=SERVICE_NUMBERS[service_status(service)],
        replicas=service.replicas,
        healthy_replicas=service.healthy_replicas,
        error_message=service.error_message,
        deployed_at=0 if (at := service.deployed_at) is None else int(at.timestamp() * 1000),
    )
