"""What runs of jobs on a schedule are copies of: made with the values of the deployment, and never started."""

from __future__ import annotations

from collections.abc import Mapping

from agents.runner.commands.context import Work
from agents.runner.docker import arguments
from agents.runner.errors import StepFailedError
from agents.runner.planning.model import CREATED, Job, Release

MAKE_SECONDS = 120.0


def make_patterns(*, work: Work, release: Release, images: Mapping[str, str]) -> None:
    """Have the container that runs are copied from for each job on a schedule, in the image named by id.

    Whatever of the stack's jobs is there besides goes, but for runs by a schedule. Safe to repeat. Raises
    StepFailedError naming the job.
    """
    wanted = {job.name for job in release.scheduled_jobs}
    found = work.host.job_containers(stack=release.stack, project_id=release.project_id)
    right = {
        each.service: each.id
        for each in found
        if each.service in wanted and each.state == CREATED and each.deployment_id == release.deployment_id
    }
    work.host.remove_containers(tuple(each.id for each in found if each.id not in right.values()))
    for job in release.scheduled_jobs:
        if job.name not in right:
            _make(work=work, release=release, job=job, image=images.get(job.name, ""))


def _make(*, work: Work, release: Release, job: Job, image: str) -> None:
    pinned = {} if not image or work.host.image_id(job.service.image) == image else {job.name: image}
    values = work.vault.values(release=release, interrupt=work.interrupt)
    folder = work.releases.write_files(release=release, pinned=pinned)
    order = arguments.Up(
        stack=release.stack, folder=folder, copies={job.name: 1}, alone=True, beside=False, started=False
    )
    ended, tail = work.commands.up(order=order, values=values, deadline=MAKE_SECONDS, interrupt=work.interrupt)
    work.interrupt.check()
    made = work.host.job_containers(stack=release.stack, project_id=release.project_id)
    if ended.code != 0 or not any(each.service == job.name for each in made):
        last = tail[-1].strip() if tail else "it printed nothing"
        message = f"The job {job.name} could not be made ready for its schedule: {last}"
        raise StepFailedError("apply", message, service=job.name, log_tail=tail)
