"""Entry points of the queue: load by id, call a use case, end."""

from __future__ import annotations

from uuid import UUID

from django.db import close_old_connections
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from agents.db_errors import DATABASE_AWAY
from deployments.services.installations import installing
from deployments.services.lifecycle import start


def run_deployment(deployment_id: str) -> None:
    """Start the deployment if its turn has come. Running it again does no harm."""
    # The worker lives long: a connection that the database dropped meanwhile must not cost this job.
    close_old_connections()
    with bound_contextvars(deployment_id=deployment_id):
        try:
            start.run_deployment(deployment_id=UUID(deployment_id), at=timezone.now())
        except DATABASE_AWAY:
            # The database is gone, or took us for dead, so nothing can be noted; the reconciler asks again.
            raise
        except Exception:
            start.note_fault(deployment_id=UUID(deployment_id), at=timezone.now())
            raise


def run_installation(installation_id: str) -> None:
    """Carry an installation on. Running it again, or twice at once, does no harm."""
    close_old_connections()
    with bound_contextvars(installation_id=installation_id):
        installing.run_installation(installation_id=UUID(installation_id))
