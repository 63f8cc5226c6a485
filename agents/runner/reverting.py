"""The revert command: the deployment's work has been stopped; put back what ran before it, or see that it is there."""

from __future__ import annotations

import logging
import sqlite3

from agents.contracts import runner_pb2 as pb
from agents.runner.errors import InterruptedWorkError
from agents.runner.journal import Journal
from agents.runner.observed import describe_all
from agents.runner.outages import until_done
from agents.runner.releases import Kept, Phase
from agents.runner.reports import shown
from agents.runner.restoring import Restored, as_before, bring_back, refuse_unknown, restore
from agents.runner.work import Work

logger = logging.getLogger(__name__)


def revert(work: Work) -> None:
    """Ends with the command's last report. Raises InterruptedWorkError, the command open, when the runner stops."""
    kept = work.releases.find(work.command.deployment_id)
    if kept is not None and work.command.revert.keep_proven and _is_proven(work, kept):
        _keep(work, kept)
        return
    finished = pb.CommandFinished(reason="cancelled", message=_message(work.command.revert))
    try:
        restored = _put_back(work, kept)
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except Exception as error:
        work.interrupt.check()
        logger.error("revert failed: %s", shown(str(error), masker=work.masker))
        finished.outcome = pb.FAILED
        finished.message = f"What ran before could not be put back: {error}"
        work.reporter.finished(finished, also=lambda: None)
        return
    finished.outcome = pb.RESTORED
    finished.previous_stack_running = restored.previous_running
    finished.services.extend(restored.services)
    finished.volumes_left.extend(restored.volumes_left)
    work.reporter.finished(finished, also=lambda: _settle(work, kept))


def _is_proven(work: Work, kept: Kept) -> bool:
    runs = work.releases.current(kept.release.stack)
    return kept.phase is Phase.CURRENT and runs == kept.release.deployment_id


def _keep(work: Work, kept: Kept) -> None:
    """Nobody asked to go back, and what was given up as lost was proven: answer with the proof and touch nothing."""
    proof = Journal(work.releases.store).proof_of(kept.release.deployment_id)
    if proof is None:  # from before proofs were kept
        release = kept.release
        observed = work.host.containers(stack=release.stack, project_id=release.project_id)
        proof = pb.CommandFinished(services=describe_all(target=kept.target, observed=observed))
    message = "It was proven before the order to go back came, so it was left as it is."
    finished = pb.CommandFinished(outcome=pb.SUCCEEDED, message=message, services=proof.services)
    work.reporter.finished(finished, also=lambda: None)


def _put_back(work: Work, kept: Kept | None) -> Restored:
    if kept is not None and _is_due(work, kept):
        return restore(work=work, kept=kept)
    stack = work.command.revert.stack_name
    refuse_unknown(work=work, stack=stack)
    current = work.releases.find(work.releases.current(stack))
    if current is None:
        return Restored(services=[], previous_running=False)
    observed = until_done(work=work, attempt=lambda: bring_back(work=work, kept=current))
    return as_before(kept=current, observed=observed)


def _is_due(work: Work, kept: Kept) -> bool:
    """Not when it was put back already, and not when a later release has replaced it."""
    current = work.releases.current(kept.release.stack)
    return kept.phase is not Phase.REVERTED and current in (kept.base, kept.release.deployment_id)


def _settle(work: Work, kept: Kept | None) -> None:
    if kept is not None and _is_due(work, kept):
        work.releases.settle(kept=kept, phase=Phase.REVERTED, runs=kept.base)


def _message(order: pb.Revert) -> str:
    asked_by = f" by {order.asked_by}" if order.asked_by else ""
    return f"Stopped{asked_by}; what ran before is back."
