"""Ends what a job of a stack left running: after a cancel, a failure, a stop."""

from __future__ import annotations

from agents.runner.commands.context import Work
from agents.runner.journal.scheduled_runs import ScheduledRuns
from agents.runner.planning.model import CREATED


def remove_job_containers(*, work: Work, stack: str, project_id: str) -> None:
    """End and remove whatever a job of the stack left, but for runs by a schedule; when this returns, none runs."""
    work.host.remove_containers(
        tuple(container.id for container in work.host.job_containers(stack=stack, project_id=project_id))
    )


def remove_runs_of_jobs(*, work: Work, stack: str, project_id: str) -> None:
    """End and remove what jobs of former deployments left, but not what runs by a schedule are copied from."""
    found = work.host.job_containers(stack=stack, project_id=project_id)
    work.host.remove_containers(tuple(container.id for container in found if container.state != CREATED))


def end_scheduled_runs(*, work: Work, stack: str, project_id: str) -> None:
    """End and remove the runs by a schedule; when this returns, none runs. Their schedule ends with the stack."""
    # Before they go, so that whoever looks at them knows why they did.
    ScheduledRuns(store=work.releases.store).ask_all_to_end(stack=stack, why="The stack was stopped.")
    work.host.remove_containers(
        tuple(
            container.id for container in work.host.job_containers(stack=stack, project_id=project_id, by_schedule=True)
        )
    )
