"""The only user of django-rq. Jobs carry ids and are put on the queue after the caller's transaction commits."""

from __future__ import annotations

from uuid import UUID

import django_rq
import structlog
from django.db import transaction
from redis.exceptions import RedisError
from rq import Worker
from rq.serializers import JSONSerializer

QUEUE = "deployments"
RUN_JOB = "deployments.jobs.run_deployment"
# A job that asks peers waits for them; all others last milliseconds.
JOB_SECONDS = 120

logger = structlog.get_logger(__name__)


def worker() -> Worker:
    """Return a worker that takes jobs off the queue.

    A job that cannot be read, as one of a version that pickled them, fails, and the reconciler asks again.
    """
    # JSON, because whoever writes to Redis must not run code here. Not a fork per job: jobs last milliseconds, and what
    # a kill interrupts, the reconciler repeats.
    return django_rq.get_worker(QUEUE, worker_class="rq.SimpleWorker", serializer=JSONSerializer)


def length() -> int | None:
    """Return how many jobs wait for a worker; None when Redis does not answer."""
    try:
        return int(django_rq.get_queue(QUEUE).count)
    except RedisError:
        return None


def enqueue_run(*, deployment_id: UUID, attempt: int) -> None:
    """Ask a worker to start the deployment. Redis may be down: the reconciler asks again, so nothing is raised."""

    def put() -> None:
        try:
            queue = django_rq.get_queue(QUEUE)
            job_id = f"run-{deployment_id}-{attempt}"
            queue.enqueue_call(RUN_JOB, args=(str(deployment_id),), job_id=job_id, timeout=JOB_SECONDS)
        except RedisError as error:
            logger.warning("job not queued, the reconciler will", deployment_id=str(deployment_id), error=str(error))

    transaction.on_commit(put)
