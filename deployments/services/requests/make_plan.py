"""Plans: what will happen. The plan of a deployment or a rollback, before anybody asks for it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from deployments.errors import Invalid
from deployments.repositories import history, lanes, projects
from deployments.repositories.observation import job_counts
from deployments.services.history import kept_data, snapshots
from deployments.services.lifecycle import adoptions
from deployments.services.lifecycle.builds import building
from deployments.services.lifecycle.observations import IMAGE_VOLUMES
from deployments.services.lifecycle.prepare import ENCRYPTED
from deployments.services.observation import drift
from deployments.services.permissions import access, quotas, server_rights
from deployments.services.queries.history_view import changed_names
from deployments.services.requests import data_notes, deploy, moves, plan_truth, restart, rollback
from deployments.services.requests.drift_changes import with_drift
from deployments.services.secrets import stored_variables, variables
from deployments.services.secrets.stored_variables import VariableChanges
from deployments.services.stacks import own_names, port_conflicts, privileges
from deployments.states import Status
from deployments.types import Caller, DeploymentRecord, DeployRequest, HistoryEntry, Right, Target, TargetKind
from stackgen.plan import Change, Plan, compare_services
from stackgen.results import StackJob, StackService


@dataclass(frozen=True, kw_only=True)
class PlannedDeployment:
    """What each service goes through, as data and as text. Hand `approval` in with the deployment to be held to it.

    A rollback has no approval: it brings back what was proven, however the graph changed since.
    """

    changes: tuple[Change, ...]
    text: str
    approval: str
    warnings: tuple[str, ...]
    variables: VariableChanges = field(default_factory=VariableChanges)


@dataclass(frozen=True, kw_only=True)
class Running:
    """What runs in a lane, as far as it can be opened. `given`: the variables it was given; None where nobody knows.

    `image_volumes` are paths where an image keeps data by itself, which a server hands on to the next container;
    `image_data` are those of a cluster, where nothing does. Both by the name of the service.
    """

    services: tuple[StackService, ...] = ()
    values: Mapping[str, str]
    given: Mapping[str, str] | None = None
    warnings: tuple[str, ...] = ()
    encrypted: bool | None = None
    image_volumes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    image_data: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def plan_deployment(*, caller: Caller, request: DeployRequest) -> PlannedDeployment:
    """Plan this very request. Stores nothing but, once per project, the key of its fingerprints.

    Needs the right to deploy: a plan tells which values are new. Raises as deploy_project does, and TooMuch.
    """
    with quotas.heavy_turn(caller):
        return _plan_deployment(caller=caller, request=request)


def _plan_deployment(*, caller: Caller, request: DeployRequest) -> PlannedDeployment:
    draft = deploy.draft_to_plan(caller=caller, request=request)
    away = plan_truth.agent_warnings(request.target)
    variables.ensure_fingerprint_key(project_id=draft.project.id, new_password=secrets.token_urlsafe)
    running = running_now(project_id=draft.project.id, target=request.target)
    values = variables.proposed_values(project_id=draft.project.id, stack=draft.stack, given=draft.given)
    plan = compare_services(
        old=running.services,
        new=draft.stack.services,
        new_values=changed_names(running.values, values),
        image_volumes=running.image_volumes,
        force=request.force_redeploy,
    )
    differing = drift.differences_of(project_id=draft.project.id, server_id=request.target.id)
    not_left = [each for each in differing if not each.left_by]
    changes, unknown = plan_truth.with_present_state(
        with_drift(changes=plan.changes, services=draft.stack.services, differences=not_left),
        project_id=draft.project.id,
        target=request.target,
    )
    approval = deploy.approval_now(draft=draft, request=request)
    changed = _changed_variables(project_id=draft.project.id, running=running, given=draft.given.flat)
    taken = port_conflicts.ports_taken(project=draft.project, target=request.target, services=draft.stack.services)
    return PlannedDeployment(
        changes=changes,
        text=f"{Plan(changes=changes).text()}{_variables_text(changed)}approval {approval}\n",
        approval=approval,
        warnings=(
            *away,
            *adoptions.plan_notes(project_id=draft.project.id, server_id=request.target.id),
            *unknown,
            *draft.stack.warnings,
            *own_names.warnings_of(draft.stack),
            *taken,
            *kept_data.advice_on_releases(project=draft.project, target=request.target, services=draft.stack.services),
            *kept_data.image_volume_warnings(graph=draft.graph.graph, image_volumes=running.image_volumes),
            *kept_data.image_data_warnings(graph=draft.graph.graph, image_data=running.image_data),
            *moves.placement_warnings(project_id=draft.project.id, target=request.target, stack=draft.stack),
            *_of_no_node(draft),
            *_job_notes(draft),
            *_network_notes(running, encrypted=draft.project.encrypt_networks),
            *building.plan_note(target=request.target, builds=any(s.bundle_digest for s in draft.stack.everything)),
            *running.warnings,
        ),
        variables=changed,
    )


def _changed_variables(*, project_id: UUID, running: Running, given: Mapping[str, str]) -> VariableChanges:
    """Return what is added, changed and removed of the variables; nothing where the old ones cannot be opened."""
    if running.given is None:
        return VariableChanges()
    # Whatever was planned or started has made the key.
    key = variables.project_secrets(project_id=project_id)[variables.FINGERPRINT_KEY]
    return stored_variables.compare(old=running.given, new=given, key=key)


def _variables_text(changed: VariableChanges) -> str:
    lines = {"added": changed.added, "changed": changed.changed, "removed": changed.removed}
    return "".join(f"variables {word}: {', '.join(names)}\n" for word, names in lines.items() if names)


def _network_notes(running: Running, *, encrypted: bool) -> tuple[str, ...]:
    """Return what becomes of the networks of a cluster's stack where the project asks for others than it has."""
    if running.encrypted in (None, encrypted):
        return ()
    word = "encrypted" if encrypted else "not encrypted any more"
    return (f"The networks of the stack are made anew, {word}: every service that has one is replaced.",)


def _job_notes(draft: deploy.Draft) -> tuple[str, ...]:
    """Return a sentence for each job that runs to its end first."""
    return tuple(
        f"The job {job.service.name} runs to its end first, before {', '.join(job.before) or 'everything else'}. If it "
        "fails, what runs stays as it is, but for what the job itself needs."
        for job in draft.stack.jobs
        if not job.by_hand
    )


def _of_no_node(draft: deploy.Draft) -> tuple[str, ...]:
    """Return a sentence for each node that variables are kept for and that the graph does not have."""
    return tuple(
        f"{', '.join(names)}: kept for the node {node_id}, which is not in the graph; not used"
        for node_id, names in draft.given.node_names.items()
        if node_id not in draft.stack.names
    )


def plan_rollback(
    *, caller: Caller, deployment_id: UUID, target_deployment_id: UUID | None = None
) -> PlannedDeployment:
    """Plan this very rollback. Raises as rollback_deployment does, and TooMuch."""
    with quotas.heavy_turn(caller):
        return _plan_rollback(caller=caller, deployment_id=deployment_id, target_deployment_id=target_deployment_id)


def _plan_rollback(*, caller: Caller, deployment_id: UUID, target_deployment_id: UUID | None) -> PlannedDeployment:
    deployment = access.deployment_for(caller=caller, deployment_id=deployment_id, right=Right.DEPLOY)
    project = projects.get(project_id=deployment.project_id)
    server_rights.sides_given_by_use(caller=caller, project=project, target=deployment.target)
    entry = rollback.choose_entry(caller=caller, deployment=deployment, target_deployment_id=target_deployment_id)
    snapshot = history.snapshot(history_id=entry.id)
    privileges.refuse_unallowed(config=snapshot.config, project_id=project.id, server_id=deployment.target.id)
    away = plan_truth.agent_warnings(deployment.target)
    running = running_now(project_id=deployment.project_id, target=deployment.target)
    restored = snapshots.services_with_volumes(snapshot.config)
    kept_data.refuse_other_release(project=project, target=deployment.target, services=restored)
    notes = (
        f"Back to {entry.version}, images and values as they were then.",
        *_later_success(deployment),
        *_jobs_since(entry, jobs=snapshots.jobs_of(deployment.config)),
        *data_notes.of_rollback(running=running.services, restored=restored, version=entry.version),
    )
    plan = compare_services(
        old=running.services,
        new=snapshots.services_of(snapshot.config),
        new_values=changed_names(running.values, snapshots.values_of(snapshot)),
        image_volumes=running.image_volumes,
    )
    changes, unknown = plan_truth.with_present_state(
        plan.changes, project_id=deployment.project_id, target=deployment.target
    )
    changed = _changed_variables(project_id=project.id, running=running, given=snapshots.given_to(snapshot))
    return PlannedDeployment(
        changes=changes,
        text=f"{Plan(changes=changes).text()}{_variables_text(changed)}",
        approval="",
        warnings=(*away, *notes, *unknown, *running.warnings),
        variables=changed,
    )


def plan_restart(
    *, caller: Caller, project_id: UUID, target: Target, service_name: str, move_to: str = ""
) -> PlannedDeployment:
    """Plan this very restart: one service made anew, all others kept. Raises as restart_service does, and TooMuch."""
    with quotas.heavy_turn(caller):
        project = access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
        draft = restart.draft_restart(
            caller=caller, project=project, target=target, service_name=service_name, move_to=move_to
        )
        away = plan_truth.agent_warnings(target)
        running = running_now(project_id=project_id, target=target)
        anew, kept = (
            compare_services(
                old=running.services, new=running.services, image_volumes=running.image_volumes, force=force
            ).changes
            for force in (True, False)
        )
        named = draft.move.services if draft.move else (service_name,)
        chosen = tuple(
            moves.explained(one, draft.move) if one.service in named else other
            for one, other in zip(anew, kept, strict=True)
        )
        changes, unknown = plan_truth.with_present_state(chosen, project_id=project_id, target=target)
        return PlannedDeployment(
            changes=changes,
            text=Plan(changes=changes).text(),
            approval="",
            warnings=(
                *away,
                *_by_hand_notes(draft.snapshot.config, service_name),
                *moves.notes(draft.move, project_id=project_id, target=target, config=draft.snapshot.config),
                *unknown,
                *running.warnings,
            ),
        )


def _by_hand_notes(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return what running the job of this name does; nothing for a service."""
    return tuple(
        f"The job {name} runs to its end, with the image and the values of what runs. Nothing else is touched, but for "
        "what it needs where that does not run."
        for job in snapshots.jobs_of(config)
        if job.service.name == name
    )


def _jobs_since(entry: HistoryEntry, *, jobs: Collection[StackJob]) -> tuple[str, ...]:
    """Say which jobs have run since that version: what they did to data is not undone."""
    runs = job_counts.runs_since(entry, by_hand={job.service.name for job in jobs})
    if not runs:
        return ()
    named = ", ".join(f"{name} ({count} times)" if count > 1 else name for name, count in sorted(runs.items()))
    return (f"Jobs that have run since {entry.version}: {named}. What they did to data is not undone.",)


def _later_success(deployment: DeploymentRecord) -> tuple[str, ...]:
    """Warn that a later success runs: undoing an older one is allowed, and should be no surprise."""
    running = history.running(project_id=deployment.project_id, target_id=deployment.target.id)
    if deployment.status is Status.SUCCESS and running is not None and running.deployment_id != deployment.id:
        return (f"{running.version} runs there now, a later success than this deployment.",)
    return ()


def running_now(*, project_id: UUID, target: Target) -> Running:
    """Return what runs in a lane, as far as it can be opened; nothing where nothing is known to run."""
    entry = history.running(project_id=project_id, target_id=target.id)
    if entry is None or entry.dropped:
        return Running(values={}, given={})
    snapshot = history.snapshot(history_id=entry.id)
    in_images = {name: tuple(paths) for name, paths in snapshot.config.get(IMAGE_VOLUMES, {}).items()}
    hands_on = target.kind is TargetKind.SERVER
    running = Running(
        services=snapshots.services_with_volumes(snapshot.config),
        values={},
        warnings=_doubts(project_id=project_id, target=target),
        encrypted=None if hands_on else bool(snapshot.config.get(ENCRYPTED, False)),
        image_volumes=in_images if hands_on else {},
        image_data={} if hands_on else in_images,
    )
    try:
        return replace(running, values=snapshots.values_of(snapshot), given=snapshots.given_to(snapshot))
    except Invalid as error:
        return replace(running, warnings=(*running.warnings, f"Changed values cannot be determined. {error.message}"))


def _doubts(*, project_id: UUID, target: Target) -> tuple[str, ...]:
    """Return what makes it uncertain that the last success is what runs."""
    last = lanes.last_started(project_id=project_id, target_id=target.id)
    if last is not None and last.holds_lane:
        return ("Another deployment is in progress there; the result may differ from this plan.",)
    if last is not None and last.status is Status.FAILED and last.cancel_confirmed_at is None:
        return ("The last deployment failed, and it is not confirmed that the previous version is running again.",)
    return ()
