"""A program that stores events of a few deployments until it is told to stop, whatever happens to its database."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

import django
from django.db import InterfaceError, OperationalError, connection, transaction

THREADS = 3
DEPLOYMENTS = 4


def main() -> None:
    from axion_deploy.processes import stop_on_signals
    from tests import factories

    stopped = stop_on_signals()
    owner = factories.make_user("writer")
    project, server = factories.make_project(owner), factories.make_server(owner)
    ids = [factories.make_deployment(project, server).id for _ in range(DEPLOYMENTS)]
    threads = [threading.Thread(target=write, args=(ids, stopped)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def write(ids: list[UUID], stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            store(deployment_id=random.choice(ids))
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.2)


def store(*, deployment_id: UUID) -> None:
    """A few events in one transaction that commits late: others with higher positions are seen before them."""
    from deployments.event_types import log_written
    from deployments.repositories import events

    texts = ["x" * random.choice((10, 2_000, 60_000)) for _ in range(random.randint(1, 3))]
    with transaction.atomic():
        new = [log_written(service="web", source="service", text=text) for text in texts]
        events.append(deployment_id=deployment_id, events=new, at=datetime.now(UTC))
        time.sleep(random.uniform(0, 0.05))


if __name__ == "__main__":
    django.setup()
    main()
