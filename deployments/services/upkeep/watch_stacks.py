"""What follows from what is seen of stacks, without anybody asking: automatic repairs, and success that does not last.

Each step may be missed or repeated; a request id of its own makes that nothing is asked for twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from agents.isolation import isolation
from deployments import live_updates
from deployments.clients.infrastructure import is_cluster
from deployments.errors import DeployError
from deployments.repositories import clock, history, lanes, projects, users
from deployments.repositories.observation import repairs, stack_drifts
from deployments.repositories.observation.stack_drifts import DriftRow
from deployments.rules.conditions import ServiceCondition
from deployments.rules.drift import digest_of
from deployments.rules.observed import ObservedService
from deployments.services.observation import drift, stacks
from deployments.services.permissions.access import caller_of
from deployments.services.requests import repair, rollback
from deployments.types import Caller, ProjectRecord, Target, TargetKind

BATCH = 100
WINDOW = timedelta(hours=1)
# So long something must differ, or be degraded, before the product acts on it by itself.
LASTING = timedelta(seconds=5)
# What a service does by itself; to be stopped, paused or removed somebody must have done.
BY_ITSELF = frozenset({ServiceCondition.RESTARTING, ServiceCondition.UNHEALTHY, ServiceCondition.EXITED})
LOOP = "stacks that are watched"

logger = structlog.get_logger(__name__)


def watch(*, at: datetime) -> int:
    """Compare what is owed it, repair what wants it, look after successes that soak; return how much was moved."""
    changed = drift.compare_due(limit=BATCH)
    moved = len(changed)
    for row in stack_drifts.to_repair(limit=BATCH):
        if not isolation(LOOP).rests(row.project_id):
            with isolation(LOOP).item(row.project_id):
                moved += _repair(row, at=at)
    for row in stack_drifts.soaking(limit=BATCH):
        if not isolation(LOOP).rests(row.project_id):
            with isolation(LOOP).item(row.project_id):
                moved += _judge_success(row, at=at)
    if changed:
        live_updates.wake_projects(changed)
    return moved


def _repair(row: DriftRow, *, at: datetime) -> bool:
    """Ask for a repair of what has differed for a while; stop, and say so, when repairs do not last."""
    now = clock.now()
    lasting = int((now - LASTING).timestamp() * 1000)
    wanted = [each for each in row.differences if each.repairable and not each.left_by and each.since_ms <= lasting]
    if not wanted or _is_busy(row) or stacks.why_unknown(server_id=row.server_id):
        return False
    project = projects.get(project_id=row.project_id)
    done = repairs.automatic_since(project_id=row.project_id, server_id=row.server_id, moment=now - WINDOW)
    if done >= project.repairs_per_hour:
        message = (
            f"Automatic repair has stopped: {done} repairs within an hour did not last. Find out who changes "
            f"{', '.join(sorted({each.service for each in wanted}))} on the server, then repair or deploy by hand."
        )
        return _stop_repairs(row, message=message)
    cause = {"kind": repairs.DRIFT, "message": f"Repaired by itself: {wanted[0].words}", "digest": digest_of(wanted)}
    try:
        repair.repair_stack(
            caller=_owner(project),
            project_id=row.project_id,
            target=_target(row),
            services=sorted({each.service for each in wanted}),
            deployment_id=uuid4(),
            # One repair per number: two reconcilers at once ask for the same one.
            request_id=f"automatic-repair:{row.deployment_id}:{done}:{digest_of(wanted)}",
            cause=cause,
            at=at,
        )
    except DeployError as error:
        return _stop_repairs(row, message=f"Automatic repair has stopped: {error.message}")
    logger.info("repair asked for", project_id=str(row.project_id), services=[each.service for each in wanted])
    return True


def _stop_repairs(row: DriftRow, *, message: str) -> bool:
    stack_drifts.change(
        project_id=row.project_id,
        server_id=row.server_id,
        repairs_stopped_at=clock.now(),
        repairs_message=message,
    )
    live_updates.wake_projects([row.project_id])
    logger.warning("automatic repair stopped", project_id=str(row.project_id), why=message)
    return True


def _judge_success(row: DriftRow, *, at: datetime) -> bool:
    """Roll a success back that has degraded by itself; end the watch when its time is over."""
    now = clock.now()
    entry = history.running(project_id=row.project_id, target_id=row.server_id)
    if entry is None or entry.deployment_id != row.deployment_id:
        return _end_soak(row, message="")
    if _is_busy(row) or stacks.why_unknown(server_id=row.server_id):
        # Nobody can say how it is: the watch goes on, and its end is judged when somebody can.
        return False
    assert row.soak_until is not None
    seen = stacks.seen_stacks(project_id=row.project_id).get(row.server_id)
    degraded = [each for each in seen.state.services if each.condition in BY_ITSELF] if seen else []
    lasting = int((now - LASTING).timestamp() * 1000)
    ripe = [each for each in degraded if each.since_ms <= lasting or each.condition is ServiceCondition.RESTARTING]
    if row.touched_at is not None and row.touched_at >= row.proven_at:
        # What follows from a change by people is theirs to judge.
        return _end_soak(row, message=_touched(degraded)) if degraded else _end_when_over(row, now=now)
    return _roll_back(row, degraded=ripe, at=at) if ripe else _end_when_over(row, now=now)


def _touched(degraded: list[ObservedService]) -> str:
    names = ", ".join(each.name for each in degraded)
    return f"Not rolled back by itself although {names} degraded: somebody changed the stack on the server before."


def _end_when_over(row: DriftRow, *, now: datetime) -> bool:
    return row.soak_until is not None and row.soak_until <= now and _end_soak(row, message="")


def _end_soak(row: DriftRow, *, message: str) -> bool:
    stack_drifts.change(project_id=row.project_id, server_id=row.server_id, soak_until=None, soak_message=message)
    live_updates.wake_projects([row.project_id])
    return True


def _roll_back(row: DriftRow, *, degraded: list[ObservedService], at: datetime) -> bool:
    """Roll the success back as a whole, once; the rollback holds what was seen."""
    evidence = [
        {"service": each.name, "state": str(each.condition), "message": each.message, "since": each.since_ms}
        for each in degraded
    ]
    words = " ".join(each.message for each in degraded)
    message = f"Rolled back by itself: the deployment succeeded and then degraded. {words}"
    project = projects.get(project_id=row.project_id)
    try:
        asked = rollback.rollback_deployment(
            caller=_owner(project),
            deployment_id=row.deployment_id,
            rollback_id=uuid4(),
            request_id=f"soak:{row.deployment_id}",
            cause={"kind": repairs.SOAK, "message": message, "evidence": evidence},
            at=at,
        )
    except DeployError as error:
        return _end_soak(row, message=f"It degraded and could not be rolled back by itself. {words} {error.message}")
    logger.warning("success rolled back", deployment_id=str(row.deployment_id), rollback_id=str(asked.id))
    return _end_soak(row, message=message)


def _is_busy(row: DriftRow) -> bool:
    """Whether a deployment works or waits there: what it brings is not known yet."""
    return lanes.holder(project_id=row.project_id, target_id=row.server_id) is not None or bool(
        lanes.waiting(project_id=row.project_id, target_id=row.server_id)
    )


def _owner(project: ProjectRecord) -> Caller:
    """The product acts by the right of the project's owner, who asked for it in the project's settings."""
    user = users.find(user_id=project.owner_id)
    assert user is not None, "a project's owner is protected"
    return caller_of(user)


def _target(row: DriftRow) -> Target:
    return Target(
        kind=TargetKind.CLUSTER if is_cluster(target_id=row.server_id) else TargetKind.SERVER, id=row.server_id
    )
