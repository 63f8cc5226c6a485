"""The plan of a stop and of another number of copies, before anybody asks: what changes, what becomes of data."""

from __future__ import annotations

from uuid import UUID

from deployments.services.permissions import quotas
from deployments.services.requests import data_notes, plan_truth, scale, stop
from deployments.services.requests.make_plan import PlannedDeployment, running_now
from deployments.types import Caller, Target
from stackgen.plan import Change, Plan, compare_services


def plan_stop(*, caller: Caller, project_id: UUID, target: Target) -> PlannedDeployment:
    """Plan this very stop: what goes, and which data stays. Raises as stop_project does, and TooMuch."""
    with quotas.heavy_turn(caller):
        stop.check_stop(caller=caller, project_id=project_id, target=target)
        running = running_now(project_id=project_id, target=target)
        changes = tuple(
            Change(service=service.name, node_id=service.node_id, action="remove")
            for service in reversed(running.services)
        )
        return PlannedDeployment(
            changes=changes,
            text=Plan(changes=changes).text(),
            approval="",
            warnings=(
                *plan_truth.agent_warnings(target),
                *data_notes.of_stop(running.services, image_volumes=running.image_volumes),
                *running.warnings,
            ),
        )


def plan_scale(
    *, caller: Caller, project_id: UUID, target: Target, service_name: str, replicas: int
) -> PlannedDeployment:
    """Plan this very scale: one service in so many copies. Raises as scale_service does, and TooMuch."""
    with quotas.heavy_turn(caller):
        stack = scale.check_scale(
            caller=caller, project_id=project_id, target=target, service_name=service_name, replicas=replicas
        )
        running = running_now(project_id=project_id, target=target)
        changes = compare_services(
            old=running.services, new=stack.services, image_volumes=running.image_volumes
        ).changes
        scaled = next(service for service in stack.services if service.name == service_name)
        return PlannedDeployment(
            changes=changes,
            text=Plan(changes=changes).text(),
            approval="",
            warnings=(
                *plan_truth.agent_warnings(target),
                *data_notes.of_scale(
                    scaled, replicas=replicas, paths=running.image_volumes.get(service_name, ()), target=target
                ),
                *running.warnings,
            ),
        )
