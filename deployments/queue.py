"""The only user of django-rq. Jobs carry ids and are put on the queue after the caller's transaction commits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_rq
import structlog
from django.db import transaction
from redis.exceptions import RedisError
from rq import SimpleWorker, Worker
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

QUEUE = "deployments"
INSTALLATIONS = "installations"
RUN_JOB = "deployments.jobs.run_deployment"
INSTALL_JOB = "deployments.jobs.run_installation"
# Longer than an installation may take: it ends by itself.
INSTALL_SECONDS = 3600
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


class ThreadWorker(SimpleWorker):
    """A worker of a thread: signals are the main thread's, and jobs end by their own deadlines."""

    death_penalty_class = TimerDeathPenalty

    def _install_signal_handlers(self) -> None:
        pass


def installation_worker() -> Worker:
    """Return a worker for installations, which last minutes: for a thread of its own beside the main worker."""
    # Its stubs know rq's Worker alone, and SimpleWorker is none.
    worker_class: Any = ThreadWorker
    return django_rq.get_worker(INSTALLATIONS, worker_class=worker_class, serializer=JSONSerializer)


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


def enqueue_installation(*, installation_id: UUID, attempt: int) -> None:
    """Ask a worker to carry the installation on; the reconciler asks again where Redis is down. It carries an id."""

    def put() -> None:
        try:
            queue = django_rq.get_queue(INSTALLATIONS)
            job_id = f"install-{installation_id}-{attempt}"
            queue.enqueue_call(INSTALL_JOB, args=(str(installation_id),), job_id=job_id, timeout=INSTALL_SECONDS)
        except RedisError as error:
            logger.warning(
                "job not queued, the reconciler will", installation_id=str(installation_id), error=str(error)
            )

    transaction.on_commit(put)
