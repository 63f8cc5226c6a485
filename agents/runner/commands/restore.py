"""Put back what ran before a release: the whole stack, by image id, or nothing where nothing ran. Proven by Docker.

Volumes always stay: one that came with the release may hold data by now, which only a person may delete.
"""

from __future__ import annotations

from dataclasses import replace

from agents.runner.commands.apply import Applier, Goal
from agents.runner.commands.context import Work
from agents.runner.commands.going_back import Restored
from agents.runner.commands.image_volumes import with_image_volumes
from agents.runner.commands.job_patterns import make_patterns
from agents.runner.commands.job_removal import end_scheduled_runs, remove_job_containers
from agents.runner.commands.outside.take_over import put_back
from agents.runner.errors import StepFailedError
from agents.runner.journal.releases import ReleaseRecord
from agents.runner.planning.model import RUNNING, Container
from agents.runner.planning.observed import describe_all, step
from agents.runner.planning.plan import make_plan
from agents.runner.planning.steps import STARTING

MAX_NAMED_VOLUMES = 20


def restore(*, work: Work, record: ReleaseRecord) -> Restored:
    """Go back to what ran before this release. Safe to repeat. Raises StepFailedError when that cannot be done."""
    remove_job_containers(work=work, stack=record.release.stack, project_id=record.release.project_id)
    observed = work.host.containers(stack=record.release.stack, project_id=record.release.project_id)
    if not record.base:
        restored = _remove_stack(work=work, record=record, observed=observed)
        back = put_back(work=work, deployment_id=record.release.deployment_id)
        return replace(restored, taken_back=back)
    refuse_unknown_containers(work=work, observed=observed)
    base = work.releases.find(record.base)
    if base is None:
        raise StepFailedError("internal", "What ran before is no longer in the journal.")
    volumes = _log_left_volumes(work=work, record=record, observed=observed)
    restored = describe_restored(record=base, observed=reapply_release(work=work, record=base))
    _remove_networks(work=work, record=record)
    back = put_back(work=work, deployment_id=record.release.deployment_id)
    return replace(restored, volumes_left=volumes, taken_back=back)


def refuse_unknown_containers(*, work: Work, observed: tuple[Container, ...]) -> None:
    """Raise StepFailedError where the stack has containers that the journal never recorded."""
    # It was lost or restored, so nobody knows what ran before, and whatever is there is left alone.
    unknown = work.releases.unknown_deployments(observed)
    if unknown:
        message = (
            f"Containers of deployment {unknown[0]} are here, which this agent's journal does not know: it was lost or"
            " restored. What ran before is unknown, so nothing was touched; look at the server, then deploy again."
        )
        raise StepFailedError("internal", message)


def describe_restored(*, record: ReleaseRecord, observed: tuple[Container, ...]) -> Restored:
    services = describe_all(target=record.target, observed=observed)
    return Restored(services=services, previous_running=bool(services))


def runs_something(*, work: Work, deployment_id: str) -> bool:
    """Tell whether the deployment is known here and is no stop."""
    record = work.releases.find(deployment_id)
    return record is not None and bool(record.release.services)


def reapply_release(*, work: Work, record: ReleaseRecord) -> tuple[Container, ...]:
    """Have this release run exactly as it was proven to run once; touches nothing that still does."""
    release = record.release
    observed = work.host.settled_containers(stack=release.stack, project_id=release.project_id)
    services = with_image_volumes(work=work, release=release, images=record.target.images, observed=observed)
    target = replace(record.target, services=services)
    plan = make_plan(target=target, observed=observed)
    for operation in plan.operations:
        for name in operation.services:
            image = record.target.images.get(name, "")
            if operation.kind in STARTING and not work.host.image_id(image):
                raise StepFailedError("image", f"The former image of {name} is no longer on this host.", service=name)
    work.reporter.log(source="agent", text=f"What ran before:\n{plan.text()}")
    goal = Goal(release=release, target=target, deadline=release.health_deadline, window=0.0, strict=False)
    proven = Applier(work=work, goal=goal).apply_plan(plan, observed=observed)
    make_patterns(work=work, release=release, images=record.target.images)
    return proven


def _remove_stack(*, work: Work, record: ReleaseRecord, observed: tuple[Container, ...]) -> Restored:
    """Remove containers, and the networks that came with the release, where nothing of ours ran before."""
    release = record.release
    if not record.touched:
        runs = any(item.state == RUNNING for item in observed if item.id in record.before.containers)
        return Restored(services=[], previous_running=runs)
    if record.before.containers:
        message = "What ran before is of no deployment that this agent proved, so it cannot be put back."
        raise StepFailedError("internal", message)
    volumes = _log_left_volumes(work=work, record=record, observed=observed)
    end_scheduled_runs(work=work, stack=release.stack, project_id=release.project_id)
    work.host.remove_containers(tuple(container.id for container in observed))
    _remove_networks(work=work, record=record)
    left = work.host.containers(stack=release.stack, project_id=release.project_id)
    if left:
        raise StepFailedError("internal", f"{len(left)} containers could not be removed.", service=left[0].service)
    services = [step(service, "removed") for service in release.services]
    for removed in services:
        work.reporter.service(removed)
    return Restored(services=services, previous_running=False, volumes_left=volumes)


def _log_left_volumes(*, work: Work, record: ReleaseRecord, observed: tuple[Container, ...]) -> tuple[str, ...]:
    """Return the volumes that came with the release, unnamed ones too, and name them in the log."""
    mounted = {name for each in observed if each.id not in record.before.containers for name in each.volumes.values()}
    came = sorted({*work.host.volumes(record.release.stack), *mounted} - set(record.before.volumes))
    if came:
        work.reporter.log(source="agent", text=f"These volumes stay, they may hold data: {', '.join(came)}.\n")
    return tuple(came[:MAX_NAMED_VOLUMES])


def _remove_networks(*, work: Work, record: ReleaseRecord) -> None:
    """Remove the stack's networks that were not there when the release began; those in use stay."""
    networks = work.host.networks(record.release.stack)
    work.host.remove_networks(tuple(networks[name] for name in networks if name not in record.before.networks))
