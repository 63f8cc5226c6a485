"""The revert command: the deployment's work has been stopped; put back what ran before it, or see that it is there."""

from __future__ import annotations

import logging
import time

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.going_back import Restored, answer_revert
from agents.runner.commands.job_removal import remove_job_containers
from agents.runner.commands.outages import retry_until_done
from agents.runner.commands.restore import (
    describe_restored,
    reapply_release,
    refuse_unknown_containers,
    restore,
)
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.releases import Phase, ReleaseRecord
from agents.runner.planning.differences import difference_from_target
from agents.runner.planning.model import SOUND, Container
from agents.runner.planning.observed import describe_all

logger = logging.getLogger(__name__)


def revert(work: Work) -> None:
    """Put back what ran before the deployment and end with the command's last report.

    The command stays open when the runner stops (InterruptedWorkError) and when the journal cannot be written
    (sqlite3.OperationalError).
    """
    record = work.releases.find(work.command.deployment_id)

    def go_back() -> Restored | None:
        if record is not None and work.command.revert.keep_proven and _keep_proven(work, record):
            return None
        return retry_until_done(work=work, attempt=lambda: _restore_previous(work, record))

    answer_revert(work, go_back=go_back, also=lambda: _record_reverted(work, record))


def _keep_proven(work: Work, record: ReleaseRecord) -> bool:
    """Answer with the proof, and touch nothing, where the deployment was proven or all of it is up now."""
    # Nobody asked to go back: an agent that was lost, or a deadline.
    services = retry_until_done(work=work, attempt=lambda: _find_proof(work, record))
    if services is None:
        return False
    message = "It was proven before the order to go back was followed, so it was left as it is."
    finished = pb.CommandFinished(outcome=pb.SUCCEEDED, message=message, services=services)
    runs = record.release.deployment_id
    work.reporter.finished(finished, also=lambda: work.releases.finish(record=record, phase=Phase.CURRENT, runs=runs))
    return True


def _find_proof(work: Work, record: ReleaseRecord) -> list[pb.ServiceObserved] | None:
    """Return the services as they were proven, or as they prove themselves now; None where neither is so."""
    release = record.release
    proven = record.phase is Phase.CURRENT and work.releases.current(release.stack) == release.deployment_id
    if proven and (proof := Journal(work.releases.store).proof_of(release.deployment_id)) is not None:
        return list(proof.services)
    if not (proven or record.phase is Phase.APPLYING):
        return None
    observed = work.host.containers(stack=release.stack, project_id=release.project_id)
    # An agent from before proofs were kept has none.
    if proven or _is_up(work, record, observed):
        return describe_all(target=record.target, observed=observed)
    return None


def _is_up(work: Work, record: ReleaseRecord, observed: tuple[Container, ...]) -> bool:
    """Tell whether each service has run soundly and as wanted for as long as it must, and no gateway has routes."""
    release, target = record.release, record.target
    if not release.services or work.releases.routed_gateways(release.stack):
        return False
    if any(difference_from_target(service=service, target=target, observed=observed) for service in target.services):
        return False
    since = time.time() - release.health_window
    return all(each.health in SOUND and 0 < each.started_at <= since for each in observed)


def _restore_previous(work: Work, record: ReleaseRecord | None) -> Restored:
    if record is not None and _is_due(work, record):
        return restore(work=work, record=record)
    stack = work.command.revert.stack_name
    remove_job_containers(work=work, stack=stack, project_id=work.command.project_id)
    refuse_unknown_containers(work=work, observed=work.host.containers(stack=stack, project_id=work.command.project_id))
    current = work.releases.find(work.releases.current(stack))
    if current is None:
        return Restored(services=[], previous_running=False)
    return describe_restored(record=current, observed=reapply_release(work=work, record=current))


def _is_due(work: Work, record: ReleaseRecord) -> bool:
    """Tell whether the release is to be taken back: it was not yet, and no later one has replaced it."""
    current = work.releases.current(record.release.stack)
    return record.phase is not Phase.REVERTED and current in (record.base, record.release.deployment_id)


def _record_reverted(work: Work, record: ReleaseRecord | None) -> None:
    if record is not None and _is_due(work, record):
        work.releases.finish(record=record, phase=Phase.REVERTED, runs=record.base)
