"""Addresses of the apprise library, against a real SMTP server and a real HTTP server."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from agents.models import Server
from deployments.data.notification_types import ChannelKind
from deployments.errors import Invalid
from deployments.models import NotificationDelivery, Project, User
from tests.deployments.notifications.receivers import Inbox
from tests.deployments.notifications.test_delivery import add, deliver_all, due_again, open_incident

pytest.importorskip("apprise")
pytestmark = pytest.mark.django_db
SERVICE = ChannelKind.SERVICE


def mail_address(mailbox: Inbox) -> str:
    return f"mailto://127.0.0.1:{mailbox.port}?from=axion@example.org&to=ops@example.org&format=text&mode=insecure"


def test_a_mail_arrives(owner: User, project: Project, server: Server, mailbox: Inbox) -> None:
    channel, secret = add(owner, mail_address(mailbox), SERVICE)
    assert (channel.service, secret) == ("E-Mail", "")
    open_incident(project, server)
    deliver_all()
    assert NotificationDelivery.objects.get().state == "sent"
    (mail,) = mailbox.mails
    assert "To: ops@example.org" in mail
    assert "Containers are missing" in mail


def test_a_service_over_http_arrives_without_following_a_redirect(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    add(owner, f"json://127.0.0.1:{inbox.port}/hook", SERVICE)
    inbox.answers, inbox.location = [307, 200], f"{inbox.url}/elsewhere"
    open_incident(project, server)
    deliver_all()
    assert [path.rstrip("/") for _, _, path in inbox.requests] == ["/hook"]
    assert NotificationDelivery.objects.get().state == "waiting"
    inbox.location = ""
    due_again()
    deliver_all()
    assert NotificationDelivery.objects.get().state == "sent"


def test_private_addresses_are_reached_by_name_alone(
    owner: User, project: Project, server: Server, mailbox: Inbox, settings: Settings
) -> None:
    settings.AXION_NOTIFICATION_HOSTS = []
    add(owner, mail_address(mailbox), SERVICE)
    open_incident(project, server)
    deliver_all()
    assert not mailbox.mails
    assert "AXION_NOTIFICATION_HOSTS" in NotificationDelivery.objects.get().error


def test_an_address_reads_no_file_of_ours(
    owner: User, project: Project, server: Server, inbox: Inbox, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"text": "canary-4711"}')
    add(owner, f"workflows://127.0.0.1:{inbox.port}/aaaaaaaaaaaa/bbbbbbbbbbbb?template={secret}", SERVICE)
    open_incident(project, server)
    deliver_all()
    delivery = NotificationDelivery.objects.get()
    assert (delivery.state, delivery.error) == ("waiting", "The address names a file of the control plane.")
    assert inbox.requests == []


@pytest.mark.parametrize("address", ["syslog://", "dbus://", "mqtt://example.org/x", "nothing://x", "mailto://"])
def test_what_tells_only_this_machine_or_nobody_is_refused(owner: User, address: str) -> None:
    with pytest.raises(Invalid) as error:
        add(owner, address, SERVICE)
    assert set(error.value.details) == {"address"}
