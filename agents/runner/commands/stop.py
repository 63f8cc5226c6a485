"""Stop a stack: its containers go in reverse start order, then its networks; volumes stay. Proven by Docker."""

from __future__ import annotations

from itertools import groupby

from agents.runner.commands.context import Work
from agents.runner.commands.image_volumes import record_unnamed_volumes
from agents.runner.commands.job_removal import end_scheduled_runs, remove_job_containers
from agents.runner.control_plane.reports import DEPLOYING
from agents.runner.errors import StepFailedError
from agents.runner.planning.model import Container, Release, Target
from agents.runner.planning.progress import stopping_percent

NOTHING = Target(services=(), owners={}, images={})


def stop_stack(*, work: Work, release: Release) -> None:
    """Remove the stack's containers and networks. Safe to repeat after a crash.

    Each container gets the time to end that it asks for. Raises StepFailedError or InterruptedWorkError; some
    containers may be gone by then.
    """
    remove_job_containers(work=work, stack=release.stack, project_id=release.project_id)
    end_scheduled_runs(work=work, stack=release.stack, project_id=release.project_id)
    observed = work.host.settled_containers(stack=release.stack, project_id=release.project_id)
    record_unnamed_volumes(work=work, stack=release.stack, observed=observed)
    work.releases.apply(deployment_id=release.deployment_id, target=NOTHING)
    groups = _last_started_first(observed, levels=_levels(work, release.stack))
    for number, containers in enumerate(groups):
        work.interrupt.check()
        names = ", ".join(sorted({container.service for container in containers}))
        percent = stopping_percent(stopped=number, total=len(groups))
        work.reporter.stage(DEPLOYING, percent, f"Stopping {names}.")
        work.reporter.log(source="agent", text=f"Stopping {names}.\n")
        work.host.remove_containers(tuple(container.id for container in containers))
    work.interrupt.check()
    work.host.remove_networks(tuple(work.host.networks(release.stack).values()))
    _prove_gone(work, release)


def _levels(work: Work, stack: str) -> dict[str, int]:
    running = work.releases.find(work.releases.current(stack))
    return {service.name: service.level for service in running.release.services} if running else {}


def _last_started_first(observed: tuple[Container, ...], *, levels: dict[str, int]) -> list[tuple[Container, ...]]:
    """Return the containers by level, the highest first; what no release knows goes before all others."""
    beyond = max(levels.values(), default=0) + 1

    def depth(container: Container) -> int:
        return -levels.get(container.service, beyond)

    return [tuple(group) for _, group in groupby(sorted(observed, key=depth), key=depth)]


def _prove_gone(work: Work, release: Release) -> None:
    left = work.host.containers(stack=release.stack, project_id=release.project_id)
    if left:
        raise StepFailedError("apply", f"{left[0].service} could not be stopped.", service=left[0].service)
    for name in work.host.networks(release.stack):
        text = f"The network {name} stays: something that is not of this stack uses it.\n"
        work.reporter.log(source="agent", text=text)
