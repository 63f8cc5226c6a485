"""Following a deployment to its end through the database, as every other door would."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from uuid import UUID

from django.db import connection

from agents.db_errors import DATABASE_AWAY
from agents.wording.sentences import sentence
from axion_deploy.terminal.exits import Unreachable
from deployments.services.queries import lookups
from deployments.states import FINISHED
from deployments.types import Caller, DeploymentRecord, EventRecord

LOOK_SECONDS = 0.4
# A database that restarts must not end the wait; one that stays away must.
MAX_SILENCE_SECONDS = 30.0
PAGE = 500


def follow(
    *, caller: Caller, deployment_id: UUID, seconds: float, shown: Callable[[EventRecord], None], after: int = 0
) -> Iterator[DeploymentRecord]:
    """Yield the deployment at each look until it has ended, giving each of its events to `shown` once and in order.

    Raises NotFound, or Unreachable after `seconds` and when the database stays away.
    """
    deadline = time.monotonic() + seconds
    heard = time.monotonic()
    while True:
        try:
            # Read before the events: whatever its end stored is then among them.
            deployment = lookups.get_deployment(caller=caller, deployment_id=deployment_id)
            for event in events_since(caller=caller, deployment_id=deployment_id, after=after):
                shown(event)
                after = event.sequence
            heard = time.monotonic()
            yield deployment
            if deployment.status in FINISHED:
                return
        except DATABASE_AWAY as error:
            connection.close()
            if time.monotonic() - heard > MAX_SILENCE_SECONDS:
                raise Unreachable(sentence("The database is not responding. The deployment continues.")) from error
        if time.monotonic() > deadline:
            raise Unreachable(
                sentence(
                    "Not finished within {seconds:g} s. It continues: check with `status {deployment_id}`.",
                    seconds=seconds,
                    deployment_id=deployment_id,
                )
            )
        time.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load


def events_since(*, caller: Caller, deployment_id: UUID, after: int) -> Iterator[EventRecord]:
    """Yield all stored events above `after`, read page by page."""
    while page := lookups.events_after(caller=caller, deployment_id=deployment_id, sequence=after, limit=PAGE):
        yield from page
        after = page[-1].sequence
