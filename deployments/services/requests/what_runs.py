"""What runs on a target, for requests that change only a part of it."""

from __future__ import annotations

from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import Conflict, Invalid
from deployments.repositories import history
from deployments.services.history import snapshots
from deployments.states import Kind
from deployments.types import HistoryEntry, Snapshot
from stackgen.results import StackService

NOTHING_RUNS = "The project is not running there. Deploy it first."


def running_version(*, project_id: UUID, target_id: UUID) -> HistoryEntry:
    """Return the version that runs there. Raises Conflict where nothing does, or the project was stopped."""
    running = history.running(project_id=project_id, target_id=target_id)
    if running is None or running.kind == Kind.STOP:
        raise Conflict(NOTHING_RUNS)
    return running


def restartable(*, snapshot: Snapshot, name: str) -> StackService:
    """Return the service or the job of the version that has this name. Raises Invalid naming those that run."""
    jobs = {job.service.name: job.service for job in snapshots.jobs_of(snapshot.config)}
    return jobs[name] if name in jobs else running_service(snapshot=snapshot, name=name)


def running_service(*, snapshot: Snapshot, name: str) -> StackService:
    """Return the service of the version that has this name. Raises Invalid naming those that run."""
    services = {service.name: service for service in snapshots.services_of(snapshot.config)}
    if name not in services:
        known = ", ".join(sorted(services))
        raise Invalid(
            sentence("No service of this name runs there. These do: {known}.", known=known),
            details={"serviceName": sentence("not found")},
        )
    return services[name]
