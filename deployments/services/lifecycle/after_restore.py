"""After the control plane's database was restored to an earlier time: agents may know of newer commands than it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from agents import gateway
from deployments.repositories import clock, deployments
from deployments.repositories.deployments import Outcome
from deployments.services.lifecycle import finish
from deployments.states import Reason, Status

UNKNOWN = (
    "What became of it is unknown: the control plane's database was restored to a time before newer commands, which the"
    " agent has carried out. Nothing was reverted. Look at what runs on the server, then deploy again."
)

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class LedgerRenewal:
    """What was done after the database had been restored."""

    incarnation: UUID
    in_progress: int
    withdrawn: int


def renew_after_restore(*, at: datetime) -> LedgerRenewal:
    """Name the ledger anew, give what is in progress its whole time again, and take back orders that nobody asked for.

    Opens its own transaction; twice is as good as once.
    """
    with transaction.atomic():
        deadline_at = clock.now() + timedelta(seconds=settings.AXION_DEPLOY_DEADLINE)
        return LedgerRenewal(
            incarnation=gateway.renew_ledger(),
            in_progress=deployments.prolong_active(deadline_at=deadline_at, at=at),
            withdrawn=gateway.finish_unasked_reverts(),
        )


def end_as_unknown(*, deployment_id: UUID, command_id: UUID, at: datetime) -> None:
    """End a deployment of which the agent knows newer commands than this one, without an order to go back.

    An order to go back that nobody asked for is taken back. Opens its own transaction.
    """
    with transaction.atomic():
        deployment = deployments.get_locked(deployment_id=deployment_id)
        gateway.finish(command_id=command_id)
        if deployment.holds_lane:
            outcome = Outcome(reason=Reason.INTERNAL, message=UNKNOWN)
            finish.mark_failed(deployment_id=deployment_id, outcome=outcome, at=at)
        elif deployment.status is Status.FAILED:
            deployments.confirm_revert(deployment_id=deployment_id, message=f"{deployment.message} {UNKNOWN}", at=at)
    logger.warning("what became of a deployment is unknown", deployment_id=str(deployment_id))
