"""Jobs of a deployment: each runs to its end, in the new image, before anything that runs is replaced.

One asked for by hand runs alone, in the image it last ran in.

At most once: the journal says that a job begins before its container is made, and the container says how it ended.
Where neither can tell, the outcome is unknown, and nothing is run again unless the job may be repeated.
"""

from __future__ import annotations

from dataclasses import replace

from agents.runner.commands.apply import Applier, Goal
from agents.runner.commands.context import Work
from agents.runner.commands.job_removal import remove_runs_of_jobs
from agents.runner.control_plane.reports import DEPLOYING
from agents.runner.docker import arguments
from agents.runner.errors import StepFailedError
from agents.runner.journal.job_runs import JobRuns
from agents.runner.planning import progress
from agents.runner.planning.differences import difference_from_target
from agents.runner.planning.health_gate import DEAD, end_of
from agents.runner.planning.model import CREATED, Container, Job, Release, Target
from agents.runner.planning.plan import make_plan

LOOK_SECONDS = 0.5
START_SECONDS = 120.0


def run_jobs(*, work: Work, release: Release, target: Target) -> None:
    """Run the release's jobs one after the other, in start order; those that have succeeded already are left alone.

    What they need is brought to the target first where it is not there yet; nothing else is touched. Safe to call again
    after a crash. Raises StepFailedError naming the job, or InterruptedWorkError; a job that a cancel cuts off is gone
    when the way back has ended.
    """
    runs = JobRuns(store=work.releases.store)
    for job in sorted(release.due_jobs, key=lambda job: (job.service.level, job.name)):
        run = runs.find(deployment_id=release.deployment_id, job=job.name)
        if run is None or run.exit_code is None:
            _start_needs(work=work, release=release, target=target, job=job)
            _run(work=work, release=release, job=job, image=target.images[job.name], runs=runs)
        elif run.exit_code != 0:
            raise _failed(release, job, f"exited with code {run.exit_code}", tail=())


def _start_needs(*, work: Work, release: Release, target: Target, job: Job) -> None:
    needed = replace(target, services=tuple(each for each in target.services if each.name in job.needs))
    names = {service.name for service in needed.services}
    observed = work.host.settled_containers(stack=release.stack, project_id=release.project_id)
    theirs = tuple(container for container in observed if container.service in names)
    if not any(difference_from_target(service=service, target=needed, observed=theirs) for service in needed.services):
        return
    plan = make_plan(target=needed, observed=theirs)
    work.reporter.log(source="agent", text=f"What the job {job.name} needs:\n{plan.text()}")
    goal = Goal(release=release, target=needed, deadline=release.health_deadline, window=0.0, strict=True)
    Applier(work=work, goal=goal).apply_plan(plan, observed=theirs)


def _run(*, work: Work, release: Release, job: Job, image: str, runs: JobRuns) -> None:
    work.reporter.stage(DEPLOYING, progress.RUNNING_JOBS, f"Running the job {job.name}.")
    container = _begun(work=work, release=release, job=job, runs=runs)
    if container is None:
        runs.begin(deployment_id=release.deployment_id, job=job.name)
        container = _start(work=work, release=release, job=job, image=image)
    ended, tail = _until_its_end(work=work, release=release, job=job, container=container)
    runs.end(deployment_id=release.deployment_id, job=job.name, exit_code=ended.exit_code)
    work.host.remove_containers((ended.id,))
    if ended.exit_code != 0:
        raise _failed(release, job, end_of(ended), tail=tail)
    work.reporter.log(source="agent", service=job.name, text=f"The job {job.name} has succeeded.\n")


def _begun(*, work: Work, release: Release, job: Job, runs: JobRuns) -> Container | None:
    """Return the container of a run that was begun before; None where it is to be begun now.

    Raises StepFailedError where nobody can know what became of it.
    """
    found = _container(work=work, release=release, job=job)
    if found is not None and found.state != CREATED:
        return found
    if runs.find(deployment_id=release.deployment_id, job=job.name) is None or found is not None or job.repeatable:
        # Never begun, made and never started, or it may be repeated.
        return None
    message = (
        f"Outcome unknown: the job {job.name} was begun, and this agent ended before it saw how that went. It was not"
        f" run again. Look at what it did, then {_again(release, job)}."
    )
    raise StepFailedError("apply", message, service=job.name)


def _start(*, work: Work, release: Release, job: Job, image: str) -> Container:
    remove_runs_of_jobs(work=work, stack=release.stack, project_id=release.project_id)
    pinned = {} if work.host.image_id(job.service.image) == image else {job.name: image}
    values = work.vault.values(release=release, interrupt=work.interrupt)
    folder = work.releases.write_files(release=release, pinned=pinned)
    order = arguments.Up(stack=release.stack, folder=folder, copies={job.name: 1}, alone=True, beside=False)
    ended, tail = work.commands.up(order=order, values=values, deadline=START_SECONDS, interrupt=work.interrupt)
    work.interrupt.check()
    container = _container(work=work, release=release, job=job)
    if ended.code != 0 or container is None:
        last = tail[-1].strip() if tail else "it printed nothing"
        raise StepFailedError(
            "apply", f"The job {job.name} could not be started: {last}", service=job.name, log_tail=tail
        )
    return container


def _until_its_end(
    *, work: Work, release: Release, job: Job, container: Container
) -> tuple[Container, tuple[str, ...]]:
    """Log what it writes until it ends; one that takes longer than it may is ended, and that is its failure."""
    give_up_at = work.clock() + job.timeout
    _, tail = work.commands.follow(
        container_id=container.id, service=job.name, deadline=job.timeout, interrupt=work.interrupt
    )
    work.interrupt.check()
    while True:
        found = _container(work=work, release=release, job=job)
        if found is None:
            raise StepFailedError(
                "apply", f"Outcome unknown: somebody removed the job {job.name}.", service=job.name, log_tail=tail
            )
        if found.state in DEAD:
            return found, tail
        if work.clock() >= give_up_at:
            work.host.remove_containers((found.id,))
            raise StepFailedError(
                "apply", f"The job {job.name} took longer than {job.timeout:.0f} s.", service=job.name, log_tail=tail
            )
        work.interrupt.pause(LOOK_SECONDS)


def _container(*, work: Work, release: Release, job: Job) -> Container | None:
    """Return the job's container of this very deployment; None for none."""
    found = work.host.job_containers(stack=release.stack, project_id=release.project_id)
    mine = [each for each in found if (each.service, each.deployment_id) == (job.name, release.deployment_id)]
    return mine[0] if mine else None


def _again(release: Release, job: Job) -> str:
    return "run it again" if job.name in release.restarts else "deploy again"


def _failed(release: Release, job: Job, how: str, *, tail: tuple[str, ...]) -> StepFailedError:
    so = "" if job.name in release.restarts else ", so nothing that depends on it was started"
    message = f"The job {job.name} {how}{so}. Correct it and {_again(release, job)}."
    return StepFailedError("apply", message, service=job.name, log_tail=tail)
