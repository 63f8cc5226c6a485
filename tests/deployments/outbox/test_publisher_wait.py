"""The publisher's wait for news, when its line to the database breaks meanwhile."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection

from axion_deploy.management.commands.publish_events import Publisher
from deployments import outbox_relay


def end_backend(pid: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_is_told_as_that_and_ends_no_process() -> None:
    publisher = Publisher(outbox=outbox_relay.outboxes()[0], stopped=threading.Event())
    publisher.listen()
    thread = threading.Thread(target=end_backend, args=(connection.connection.info.backend_pid,))
    thread.start()
    thread.join()
    try:
        with pytest.raises(OperationalError):
            # The server's last word comes first, and then the end of the line.
            for _ in range(3):
                publisher.wait()
    finally:
        connection.close()
