"""Repair: a deployment of exactly the services that somebody changed on the server, as they were proven last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import Conflict, Invalid
from deployments.repositories import history
from deployments.repositories.observation import stack_drifts
from deployments.rules.drift import ANY_AGENT_REPAIRS, Difference, digest_of
from deployments.services.history import restorable, snapshots
from deployments.services.observation import drift, stacks
from deployments.services.permissions import access, quotas, server_rights, target_agents
from deployments.services.requests import create, what_runs
from deployments.services.requests.drift_changes import with_drift
from deployments.services.requests.make_plan import PlannedDeployment
from deployments.services.stacks import privileges
from deployments.states import Kind
from deployments.types import Caller, DeploymentRecord, DeployRequest, HistoryEntry, Right, Snapshot, Target
from stackgen.plan import Change, Plan

NOTHING = "Nothing differs there from what was deployed, so there is nothing to repair."
LEFT = "All differences there are ignored. Name the services to repair them anyway."
BY_HAND = "This was not deployed and is not part of the stack: remove it on the server yourself."
TOO_OLD = "The server's agent is too old to start services anew that were changed there. Bring it up to date."


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A checked repair: what it brings back and which differences it is for."""

    entry: HistoryEntry
    snapshot: Snapshot
    chosen: tuple[Difference, ...]
    digest: str

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(sorted({each.service for each in self.chosen}))


def plan_repair(
    *, caller: Caller, project_id: UUID, target: Target, services: Collection[str] = ()
) -> PlannedDeployment:
    """Plan this very repair. Raises as repair_stack does, and TooMuch."""
    with quotas.heavy_turn(caller):
        draft = _draft(caller=caller, project_id=project_id, target=target, services=services)
    running = snapshots.services_of(draft.snapshot.config)
    staying = [Change(service=each.name, node_id=each.node_id, action="keep") for each in running]
    plan = Plan(changes=with_drift(changes=staying, services=running, differences=draft.chosen))
    unknown = stacks.why_unknown(server_id=target.id)
    warnings = (f"{unknown} This plan is based on the last known state.",) if unknown else ()
    return PlannedDeployment(
        changes=plan.changes,
        text=f"{plan.text()}approval {draft.digest}\n",
        approval=draft.digest,
        warnings=warnings,
    )


def repair_stack(
    *,
    caller: Caller,
    project_id: UUID,
    target: Target,
    services: Collection[str] = (),
    approval: str = "",
    deployment_id: UUID,
    request_id: str = "",
    cause: Mapping[str, Any] | None = None,
    at: datetime,
) -> DeploymentRecord:
    """Store a pending deployment of kind repair: the last success once more, with these services started anew.

    Without `services`: all that differ and were not said to be left. With the `approval` of its plan it is refused when
    something else differs by now, also when it starts. The same request id by the same caller answers with the first
    one. `cause` is why the product asks by itself. Opens its own transaction. Raises NotFound, Forbidden, Invalid
    naming the field, or Conflict when nothing differs or it cannot be repaired.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    first = create.find_repeat(caller=caller, request_id=request_id)
    if first is not None:
        return first
    gives = server_rights.sides_given_by_use(caller=caller, project=project, target=target)
    draft = _draft(caller=caller, project_id=project_id, target=target, services=services)
    if approval and approval != draft.digest:
        raise Conflict(drift.TOUCHED, details={"server": sentence("changed since the plan")})
    privileges.refuse_unallowed(config=draft.snapshot.config, project_id=project.id, server_id=target.id)
    new = create.NewDeployment(
        kind=Kind.REPAIR,
        request=DeployRequest(
            project_id=project_id,
            target=target,
            env_vars=snapshots.env_of(draft.snapshot),
            request_id=request_id,
            approval=approval,
        ),
        project=project,
        graph_version_id=draft.snapshot.graph_version_id,
        graph_version=draft.entry.graph_version,
        code=draft.snapshot.code,
        services=snapshots.states_of(snapshots.services_of(draft.snapshot.config)),
        replicas=draft.snapshot.replicas,
        restores=draft.entry.id,
        renews=draft.services,
        cause=cause or {},
        gives=gives,
    )
    return create.create_deployment(caller=caller, new=new, deployment_id=deployment_id, at=at)


def _draft(*, caller: Caller, project_id: UUID, target: Target, services: Collection[str]) -> Draft:
    access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    entry = what_runs.running_version(project_id=project_id, target_id=target.id)
    row = stack_drifts.find(project_id=project_id, server_id=target.id)
    if row is None:
        raise Conflict(what_runs.NOTHING_RUNS)
    chosen = _chosen(row.differences, set(services))
    _refuse_old_agent(target=target, chosen=chosen)
    judged = restorable.judge(entry)
    if not judged.restorable:
        raise Conflict(
            sentence(
                "{version} cannot be put back as it was. {why_not} Deploy the project instead.",
                version=entry.version,
                why_not=judged.why_not,
            )
        )
    return Draft(
        entry=entry,
        snapshot=history.snapshot(history_id=entry.id),
        chosen=chosen,
        digest=digest_of(row.differences),
    )


def _chosen(differences: tuple[Difference, ...], services: set[str]) -> tuple[Difference, ...]:
    """Return what to repair: all that is not left, or all of the named services."""
    if unknown := sorted(services - {each.service for each in differences}):
        raise Invalid(
            sentence("{unknown} does not differ from what was deployed.", unknown=unknown[0]),
            details={"services": sentence("{unknown}: no difference", unknown=unknown[0])},
        )
    wanted = [each for each in differences if (each.service in services if services else not each.left_by)]
    if not wanted:
        raise Conflict(LEFT if differences else NOTHING)
    chosen = tuple(each for each in wanted if each.repairable)
    if not chosen:
        raise Conflict(f"{wanted[0].service}: {BY_HAND}")
    return chosen


def _refuse_old_agent(*, target: Target, chosen: tuple[Difference, ...]) -> None:
    if any(each.aspect not in ANY_AGENT_REPAIRS for each in chosen) and not target_agents.starts_anew(target):
        raise Conflict(TOO_OLD)


def leave_difference(
    *, caller: Caller, project_id: UUID, target: Target, service_name: str, aspect: str, left: bool
) -> None:
    """Silence one difference until it changes, or say so no longer. Opens its own transaction.

    Raises NotFound, Forbidden, or Conflict when it is so already.
    """
    access.project_for(caller=caller, project_id=project_id, right=Right.DEPLOY)
    drift.leave(
        project_id=project_id, server_id=target.id, service=service_name, aspect=aspect, by=caller.name if left else ""
    )
