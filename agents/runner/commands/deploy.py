"""The deploy command. Every step may be done again after a crash."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Mapping

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.apply import Applier, Goal
from agents.runner.commands.context import Work
from agents.runner.commands.going_back import note_restored
from agents.runner.commands.image_volumes import refuse_hidden_data, with_image_volumes
from agents.runner.commands.images import provide_images, provide_job_images
from agents.runner.commands.job_patterns import make_patterns
from agents.runner.commands.jobs import run_jobs
from agents.runner.commands.outages import retry_after_removals, retry_through_outages, retry_until_done
from agents.runner.commands.outside.take_over import check_takeover, take_over
from agents.runner.commands.restore import restore, runs_something
from agents.runner.commands.settings_proof import describe_settings
from agents.runner.commands.stop import NOTHING, stop_stack
from agents.runner.control_plane.reports import BUILDING, COMPLETED, DEPLOYING, masked_tail, masked_text
from agents.runner.errors import InterruptedWorkError, StepFailedError, UnavailableError
from agents.runner.journal.releases import Before, Phase, ReleaseRecord
from agents.runner.planning import progress
from agents.runner.planning.claims import check_claims
from agents.runner.planning.codec import release_of
from agents.runner.planning.differences import difference_from_target, owners_of
from agents.runner.planning.model import Container, Release, Target
from agents.runner.planning.observed import describe_all, step
from agents.runner.planning.plan import Plan, make_plan
from agents.runner.planning.steps import STARTING
from agents.runner.policy.stack_check import check_stack

logger = logging.getLogger(__name__)


def deploy(work: Work) -> None:
    """Bring the stack up (or down) and prove it, or put back what ran before; end with the command's last report.

    1. Report that the work has begun, before Docker is asked anything: people see at once that somebody works on it.
    2. Check names, policy and claims, and write the release down with what is there. A failure so far touched nothing.
    3. Where an earlier run of this command had failed already: go on with step 6.
    4. Provide images, plan, apply the plan and wait for the health gate (`_apply_release`), anew after an outage.
    5. Proven: the last report, the end of the command and the new current release are one transaction.
    6. Failed: write down why, so that a restart goes back, too; put back what ran before; then the last report.

    The command stays open when the work is ended from outside (InterruptedWorkError) and when the journal cannot be
    written (sqlite3.OperationalError).
    """
    work.reporter.stage(BUILDING, progress.BEGUN, "Agent started.")
    try:
        release = release_of(work.command)
        check_stack(release=release, policy=work.policy)
        observed = work.host.containers(stack=release.stack, project_id=release.project_id)
        _check_claims(work, release, observed)
        if work.releases.find(release.deployment_id) is None:
            check_takeover(work=work, release=release)
        before, base = _before(work, release, observed), _base(work, release, observed)
        record = work.releases.begin(command=work.command, before=before, base=base)
    except (StepFailedError, UnavailableError) as error:
        _finish_unbegun(work, error)
        return
    if record.phase is Phase.FAILING:
        _restore_base(work, record)
        return
    try:
        observed, target = retry_through_outages(
            work=work, attempt=lambda: retry_after_removals(work=work, attempt=lambda: _apply_release(work, release))
        )
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except Exception as error:  # whatever happened, what ran before must come back
        _fail(work, release, error)
        return
    _succeed(work, record, target, observed)


def _base(work: Work, release: Release, observed: tuple[Container, ...]) -> str:
    """Return the deployment to go back to; empty for none."""
    # Where something runs that the journal never recorded, nothing that we proved ran before.
    return "" if work.releases.unknown_deployments(observed) else work.releases.current(release.stack)


def _check_claims(work: Work, release: Release, observed: tuple[Container, ...]) -> None:
    check_claims(
        release=release,
        observed=observed,
        others=work.host.all_containers(),
        known_lanes={name: record.release.lane for name, record in work.releases.recorded(observed).items()},
        former_lanes=work.former_lanes,
    )


def _before(work: Work, release: Release, observed: tuple[Container, ...]) -> Before:
    return Before(
        networks=tuple(work.host.networks(release.stack)),
        volumes=work.host.volumes(release.stack),
        containers=tuple(container.id for container in observed),
    )


def _apply_release(work: Work, release: Release) -> tuple[tuple[Container, ...], Target]:
    if not release.services:
        stop_stack(work=work, release=release)
        return (), NOTHING
    for service in release.services:
        work.reporter.service(step(service, "waiting"))
    images = provide_images(work=work, release=release)
    work.reporter.stage(BUILDING, progress.IMAGES_READY, "Images ready.")
    observed = work.host.settled_containers(stack=release.stack, project_id=release.project_id)
    owners = owners_of(release=release, observed=observed, known=work.releases.recorded(observed))
    target = _target(work, release, owners, _expected(work, release, owners, images), observed)
    if release.takes_over:
        work.releases.apply(deployment_id=release.deployment_id, target=target)
        take_over(work=work, release=release)
    if release.due_jobs:
        # From here on containers may be touched: a job's own, and what it needs.
        work.releases.apply(deployment_id=release.deployment_id, target=target)
        run_jobs(work=work, release=release, target=target)
        observed = work.host.settled_containers(stack=release.stack, project_id=release.project_id)
    plan = make_plan(target=target, observed=observed)
    work.reporter.log(source="agent", text=f"Plan:\n{plan.text()}")
    work.releases.apply(deployment_id=release.deployment_id, target=target)
    work.reporter.stage(
        DEPLOYING, progress.APPLYING, "Starting changed services." if plan.operations else "Nothing changed."
    )
    window = _window(release, plan, owners)
    goal = Goal(release=release, target=target, deadline=release.health_deadline, window=window, strict=True)
    proven = Applier(work=work, goal=goal).apply_plan(plan, observed=observed)
    _check_proven(target=target, observed=proven)
    make_patterns(work=work, release=release, images=target.images)
    return proven, target


def _target(
    work: Work, release: Release, owners: dict[str, str], images: dict[str, str], observed: tuple[Container, ...]
) -> Target:
    """Return what shall run, replaced where it stands if its image keeps data. Raises StepFailedError(invalid)."""
    services = with_image_volumes(work=work, release=release, images=images, observed=observed)
    changing = [service for service in services if owners[service.name] == release.deployment_id]
    refuse_hidden_data(release=release, services=changing, observed=observed)
    return Target(services=services, owners=owners, images=images, has_jobs=bool(release.jobs))


def _window(release: Release, plan: Plan, owners: Mapping[str, str]) -> float:
    """Return the seconds to watch for; 0 where nothing is or was started: then one look is the proof."""
    resumed = bool(plan.leaving) and release.deployment_id in owners.values()
    return release.health_window if plan.services(*STARTING) or resumed else 0.0


def _expected(work: Work, release: Release, owners: Mapping[str, str], images: dict[str, str]) -> dict[str, str]:
    """Return image id by service: of the tag for what changes, as it was proven for what stays."""
    # Pinned images are certain.
    if release.pinned:
        return {**images, **provide_job_images(work=work, release=release)}
    expected = dict(images)
    base = work.releases.find(work.releases.current(release.stack))
    for name, owner in owners.items():
        if owner != release.deployment_id and base is not None and name in base.target.images:
            expected[name] = base.target.images[name]
    return expected


def _check_proven(*, target: Target, observed: tuple[Container, ...]) -> None:
    for service in target.services:
        difference = difference_from_target(service=service, target=target, observed=observed)
        if difference:
            raise StepFailedError("unhealthy", f"Not proven: {difference}.", service=service.name)


def _succeed(work: Work, record: ReleaseRecord, target: Target, observed: tuple[Container, ...]) -> None:
    services = describe_all(target=target, observed=observed)
    describe_settings(work=work, services=services, owners=target.owners)
    proven = "All services are running and healthy." if services else "Nothing of the stack runs any more."
    work.reporter.stage(COMPLETED, progress.DONE, proven)
    work.reporter.finished(
        pb.CommandFinished(outcome=pb.SUCCEEDED, services=services),
        also=lambda: work.releases.finish(record=record, phase=Phase.CURRENT, runs=record.release.deployment_id),
    )


def _fail(work: Work, release: Release, error: Exception) -> None:
    """Write down why, then put back what ran before if the project asks for it."""
    failure = _as_failure(error)
    work.interrupt.check()
    logger.warning("deployment %s failed: %s", release.deployment_id, masked_text(failure.message, masker=work.masker))
    work.releases.fail(
        deployment_id=release.deployment_id,
        # This goes to the disk, so it is masked here and not only on its way out.
        failure={
            "reason": failure.reason,
            "message": masked_text(failure.message, masker=work.masker),
            "service": failure.service,
            "log_tail": masked_tail(failure.log_tail, masker=work.masker),
        },
    )
    record = work.releases.find(release.deployment_id)
    if record is not None:
        _restore_base(work, record)


def _restore_base(work: Work, record: ReleaseRecord) -> None:
    finished = pb.CommandFinished(
        reason=str(record.failure["reason"]),
        message=str(record.failure["message"]),
        failed_service=str(record.failure["service"]),
        log_tail=record.failure["log_tail"],
    )
    if record.release.pinned and not record.touched:
        _finish_failed(work, record, finished, " Nothing was touched.")
        return
    if not record.release.restore_on_failure:
        _finish_failed(
            work, record, finished, ' The failed version was left running because "Restore on failure" is off.'
        )
        return
    if record.touched and runs_something(work=work, deployment_id=record.base):
        work.reporter.restore_started(
            reason=finished.reason,
            message=finished.message,
            service=finished.failed_service,
            log_tail=finished.log_tail,
        )
    try:
        restored = retry_until_done(work=work, attempt=lambda: restore(work=work, record=record))
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except Exception as error:
        work.interrupt.check()
        why = _as_failure(error).message
        _finish_failed(work, record, finished, f" What ran before could not be put back: {why}")
        return
    note_restored(finished, restored)
    work.reporter.finished(
        finished, also=lambda: work.releases.finish(record=record, phase=Phase.REVERTED, runs=record.base)
    )


def _finish_failed(work: Work, record: ReleaseRecord, finished: pb.CommandFinished, remark: str) -> None:
    finished.outcome = pb.FAILED
    finished.message += remark
    finished.touched = record.touched
    # The base stays the one to go back to, whatever runs now.
    work.reporter.finished(
        finished, also=lambda: work.releases.finish(record=record, phase=Phase.FAILED, runs=record.base)
    )


def _as_failure(error: Exception) -> StepFailedError:
    if isinstance(error, StepFailedError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        message = f"There is no space left on this host: {error.filename or 'a file'} could not be written."
        return StepFailedError("internal", message)
    if not isinstance(error, UnavailableError):
        logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return StepFailedError("internal", f"The agent could not go on: {error}")


def _finish_unbegun(work: Work, error: StepFailedError | UnavailableError) -> None:
    """Report a failure before anything was touched: what ran before still runs."""
    work.interrupt.check()
    reason = error.reason if isinstance(error, StepFailedError) else "internal"
    finished = pb.CommandFinished(outcome=pb.FAILED, reason=reason, message=str(error))
    work.reporter.finished(finished, also=lambda: None)
