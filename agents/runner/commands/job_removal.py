"""Ends what a job of a stack left running: after a cancel, a failure, a stop."""

from __future__ import annotations

from agents.runner.commands.context import Work


def remove_job_containers(*, work: Work, stack: str, project_id: str) -> None:
    """End and remove whatever a job of the stack left; when this returns, none of them runs."""
    work.host.remove_containers(
        tuple(container.id for container in work.host.job_containers(stack=stack, project_id=project_id))
    )
