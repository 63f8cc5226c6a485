"""The revert command: the deployment's work has been stopped; put back what ran before it, or see that it is there."""

from __future__ import annotations

import logging
import sqlite3
import time

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.outages import until_done
from agents.runner.commands.restore import Restored, as_before, bring_back, refuse_unknown, restore
from agents.runner.control_plane.reports import shown
from agents.runner.errors import InterruptedWorkError
from agents.runner.journal.commands import Journal
from agents.runner.journal.releases import Kept, Phase
from agents.runner.planning.differences import why_unlike
from agents.runner.planning.model import SOUND, Container
from agents.runner.planning.observed import describe_all

logger = logging.getLogger(__name__)


def revert(work: Work) -> None:
    """Ends with the command's last report. Raises InterruptedWorkError, the command open, when the runner stops."""
    kept = work.releases.find(work.command.deployment_id)
    finished = pb.CommandFinished(reason="cancelled", message=_message(work.command.revert))
    try:
        if kept is not None and work.command.revert.keep_proven and _keep(work, kept):
            return
        restored = until_done(work=work, attempt=lambda: _put_back(work, kept))
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


def _keep(work: Work, kept: Kept) -> bool:
    """Nobody asked to go back: answer with the proof, and touch nothing, where it was proven or all of it is up now."""
    services = until_done(work=work, attempt=lambda: _proven(work, kept))
    if services is None:
        return False
    message = "It was proven before the order to go back was followed, so it was left as it is."
    finished = pb.CommandFinished(outcome=pb.SUCCEEDED, message=message, services=services)
    runs = kept.release.deployment_id
    work.reporter.finished(finished, also=lambda: work.releases.settle(kept=kept, phase=Phase.CURRENT, runs=runs))
    return True


def _proven(work: Work, kept: Kept) -> list[pb.ServiceObserved] | None:
    """The services as they were proven, or as they prove themselves now; None where neither is so."""
    release = kept.release
    proven = kept.phase is Phase.CURRENT and work.releases.current(release.stack) == release.deployment_id
    if proven and (proof := Journal(work.releases.store).proof_of(release.deployment_id)) is not None:
        return list(proof.services)
    if not (proven or kept.phase is Phase.APPLYING):
        return None
    observed = work.host.containers(stack=release.stack, project_id=release.project_id)
    # An agent from before proofs were kept has none.
    if proven or _is_up(work, kept, observed):
        return describe_all(target=kept.target, observed=observed)
    return None


def _is_up(work: Work, kept: Kept, observed: tuple[Container, ...]) -> bool:
    """Whether each service runs exactly as it was to, soundly, for as long as it must, and no gateway is led aside."""
    release, target = kept.release, kept.target
    if not release.services or work.releases.led(release.stack):
        return False
    if any(why_unlike(service=service, target=target, observed=observed) for service in target.services):
        return False
    since = time.time() - release.health_window
    return all(each.health in SOUND and 0 < each.started_at <= since for each in observed)


def _put_back(work: Work, kept: Kept | None) -> Restored:
    if kept is not None and _is_due(work, kept):
        return restore(work=work, kept=kept)
    stack = work.command.revert.stack_name
    refuse_unknown(work=work, observed=work.host.containers(stack=stack, project_id=work.command.project_id))
    current = work.releases.find(work.releases.current(stack))
    if current is None:
        return Restored(services=[], previous_running=False)
    return as_before(kept=current, observed=bring_back(work=work, kept=current))


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
