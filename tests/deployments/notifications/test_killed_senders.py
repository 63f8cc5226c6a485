"""Senders as real processes, killed while a message is on its way: none is lost, and repeats have the same id."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from deployments.models import NotificationDelivery
from tests import factories
from tests.deployments.notifications.receivers import http_receiver
from tests.deployments.notifications.test_delivery import add, close, open_incident
from tests.e2e.control_plane import wait_for
from tests.stream.conftest import Programs, programs
from tests.stream.test_outboxes import database_url

__all__ = ["programs"]
pytestmark = [pytest.mark.django_db(transaction=True)]


def test_a_message_arrives_whoever_is_killed(programs: Programs, settings: Settings) -> None:
    owner = factories.make_user("owner")
    project, server = factories.make_project(owner), factories.make_server(owner)
    with http_receiver() as inbox:
        settings.AXION_NOTIFICATION_HOSTS = [f"127.0.0.1:{inbox.port}"]
        inbox.held = threading.Event()
        add(owner, inbox.url)
        incident = open_incident(project, server)
        close(incident)

        def start() -> None:
            programs.start(
                "manage.py",
                "publish_events",
                DATABASE_URL=database_url(),
                AXION_NOTIFICATION_HOSTS=settings.AXION_NOTIFICATION_HOSTS[0],
                KAFKA_BROKERS="",
            )

        start()
        wait_for(lambda: len(inbox.requests) == 1, seconds=60, what="the first try", details=programs.tails)
        programs.started[-1].kill()
        inbox.held.set()
        row = NotificationDelivery.objects.get(kind="opened")
        assert (row.state, row.attempts) == ("waiting", 1)
        # The lease of the one that died is over.
        over = datetime.now(UTC) - timedelta(seconds=1)
        NotificationDelivery.objects.filter(pk=row.pk).update(due_at=over)
        start()
        sent = NotificationDelivery.objects.filter(state="sent")
        wait_for(lambda: sent.count() == 2, seconds=60, what="both messages", details=programs.tails)
    kinds = {str(each.id): each.kind for each in NotificationDelivery.objects.all()}
    assert [kinds[each] for each in inbox.ids()] == ["opened", "opened", "closed"]
