"""Send what is due: take one message, send it outside any transaction, store what became of it.

A process that dies after sending and before storing sends once more, under the same id; one that dies before sending
leaves a message that is due again when the lease is over.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from agents.backoff import Backoff
from agents.db_errors import DATABASE_AWAY
from deployments.data.notification_types import ClaimedDelivery, DeliveryState, Hold, Message
from deployments.notifiers import sending
from deployments.notifiers.sending import NotDelivered
from deployments.repositories import clock
from deployments.repositories.notifications import channel_rows, delivery_rows
from deployments.rules import notification_rules
from deployments.services.notifications import announce
from deployments.services.secrets import sealing

# Longer than sending may take: the receiver's deadline, and the resolver's.
LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 14
# Together with the limit above: given up after two to four and a half hours.
RETRY = Backoff(first=5.0, most=3_600.0)
NOT_TOLD = "The owner of the channel can no longer view this project."

logger = structlog.get_logger(__name__)


def deliver_next() -> bool:
    """Send the message that is due first; return False when none is."""
    # One statement while there is nothing to do.
    claimed = delivery_rows.claim(now=clock.now(), lease=LEASE) if delivery_rows.any_due() else None
    if claimed is None:
        return False
    hold = None if claimed.by_hand or claimed.incident_id is None else delivery_rows.hold_of(claimed=claimed)
    now = clock.now()
    if why := _why_not(claimed, hold, now=now):
        delivery_rows.end(claimed=claimed, state=DeliveryState.SKIPPED, error=why, at=clock.now())
    elif hold and (until := notification_rules.held_until(hold, severity=_severity(claimed), now=now)):
        delivery_rows.hold(claimed=claimed, until=until)
    elif claimed.attempts > MAX_ATTEMPTS:
        # Processes died over it, one after the other.
        _failed(claimed, "It is unknown whether it was sent: sending was interrupted.")
    else:
        _try(claimed)
    return True


def _try(claimed: ClaimedDelivery) -> None:
    try:
        _send(claimed)
    except NotDelivered as error:
        _failed(claimed, str(error))
    except DATABASE_AWAY:
        raise
    except Exception as error:
        # A fault of ours counts as a try, or the message would be tried for ever. Its text may hold the address.
        logger.error("notification failed by a fault", delivery_id=str(claimed.id), fault=type(error).__name__)
        _failed(claimed, f"It could not be sent because of an internal error ({type(error).__name__}).")
    else:
        delivery_rows.end(claimed=claimed, state=DeliveryState.SENT, error="", at=clock.now())


def _severity(claimed: ClaimedDelivery) -> str:
    return str(claimed.content.get("data", {}).get("severity", ""))


def _why_not(claimed: ClaimedDelivery, hold: Hold | None, *, now: datetime) -> str:
    """Return why the channel is not told any more; empty where it is."""
    if hold and hold.incident_muted_until and hold.incident_muted_until > now:
        return announce.MUTED
    if claimed.project_id is None:
        return ""
    told = channel_rows.may_be_told(channel_id=claimed.channel_id, project_id=claimed.project_id)
    return "" if told else NOT_TOLD


def _send(claimed: ClaimedDelivery) -> None:
    """Send once. Raises NotDelivered with words that hold no address."""
    try:
        values = sealing.unseal_channel(sealed=claimed.sealed, channel_id=claimed.channel_id)
    except sealing.CannotUnsealError as error:
        raise NotDelivered("The channel's address cannot be opened: its encryption key is missing.") from error
    with translation.override(claimed.language or settings.LANGUAGE_CODE):
        message = Message(
            id=claimed.id,
            content=claimed.content,
            title=notification_rules.title_of(claimed.content, by=gettext),
            text=notification_rules.text_of(claimed.content, by=gettext),
        )
    sending.send(kind=claimed.channel_kind, message=message, values=values)


def _failed(claimed: ClaimedDelivery, why: str) -> None:
    log = logger.bind(delivery_id=str(claimed.id), attempts=claimed.attempts, error=why)
    if claimed.attempts >= MAX_ATTEMPTS:
        delivery_rows.end(claimed=claimed, state=DeliveryState.FAILED, error=why, at=clock.now())
        log.warning("notification given up")
        return
    pause = timedelta(seconds=RETRY.pause(failures=claimed.attempts))
    delivery_rows.put_off(claimed=claimed, error=why, until=clock.now() + pause)
    log.info("notification not delivered, retrying", seconds=round(pause.total_seconds()))
