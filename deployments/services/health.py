"""How the control plane is, for whoever watches it. Tells numbers only, nothing of anybody's deployments."""

from __future__ import annotations

from datetime import datetime

from deployments import publishing
from deployments.publishing import Lag


def event_lags(*, at: datetime) -> tuple[Lag, ...]:
    """What waits in each outbox that is configured."""
    return tuple(publishing.lag_of(outbox=outbox, at=at) for outbox in publishing.outboxes())
