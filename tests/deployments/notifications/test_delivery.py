"""Messages from the incident to real receivers, with everything that may go wrong on the way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse
from pytest_django import Settings

from agents.models import Server
from deployments.data.notification_types import (
    ChannelChange,
    ChannelKind,
    ChannelRecord,
    ChannelRules,
    DeliveryState,
    NewChannel,
)
from deployments.errors import Conflict, Invalid
from deployments.models import (
    AuditEntry,
    Incident,
    NotificationChannel,
    NotificationDelivery,
    Project,
    ProjectMember,
    User,
)
from deployments.repositories import clock
from deployments.repositories.notifications import delivery_rows
from deployments.repositories.observation import incident_rows
from deployments.services.notifications import announce, channels, deliver, mutes
from deployments.services.permissions.access import caller_of
from deployments.services.secrets.rotation import rotate_keys
from tests import factories
from tests.deployments.notifications.receivers import Inbox

pytestmark = pytest.mark.django_db


def now() -> datetime:
    return datetime.now(UTC)


def add(owner: User, address: str, kind: ChannelKind = ChannelKind.WEBHOOK, **more: Any) -> tuple[ChannelRecord, str]:
    rules = ChannelRules(**{name: more.pop(name) for name in list(more) if name in ChannelRules.__dataclass_fields__})
    new = NewChannel(name="mine", kind=kind, address=address, rules=rules, **more)
    return channels.add_channel(caller=caller_of(owner), new=new, at=now())


def open_incident(project: Project, server: Server, **columns: Any) -> Incident:
    incident = factories.make_incident(project, server, **columns)
    announce.announce_opened(incident=incident_rows.get(incident_id=incident.pk), at=now())
    return incident


def close(incident: Incident) -> None:
    with transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(closed_at=now())
        announce.announce_closed(incident=incident_rows.get(incident_id=incident.pk), at=now())


def deliver_all() -> int:
    count = 0
    while deliver.deliver_next():
        count += 1
    return count


def due_again() -> None:
    NotificationDelivery.objects.filter(state="waiting").update(due_at=now() - timedelta(seconds=1))


def states() -> list[tuple[str, str]]:
    return list(NotificationDelivery.objects.order_by("position").values_list("kind", "state"))


def test_one_message_when_it_opens_and_one_when_it_closes(
    owner: User, project: Project, server: Server, inbox: Inbox, settings: Settings
) -> None:
    settings.AXION_PUBLIC_URL = "https://deploy.test"
    _, secret = add(owner, inbox.url)
    incident = open_incident(project, server)
    announce.announce_opened(incident=incident_rows.get(incident_id=incident.pk), at=now())
    assert deliver_all() == 1
    close(incident)
    assert deliver_all() == 1
    assert states() == [("opened", "sent"), ("closed", "sent")]
    for (headers, body, _), kind in zip(inbox.requests, ("opened", "closed"), strict=True):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        content = json.loads(body)
        assert content["type"] == f"incident.{kind}"
        assert content["data"]["incidentId"] == str(incident.pk)
        assert content["data"]["projectName"] == project.name
        assert content["data"]["url"] == "https://deploy.test" + reverse(
            "admin:deployments_incident_change", args=[incident.pk]
        )


def test_a_receiver_that_is_away_is_tried_again_under_the_same_id_and_given_up_in_the_end(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    add(owner, inbox.url)
    inbox.answers = [500, 200]
    incident = open_incident(project, server)
    deliver_all()
    row = NotificationDelivery.objects.get()
    assert (row.state, row.attempts, row.error) == ("waiting", 1, "The receiver answered with status 500.")
    close(incident)
    assert deliver_all() == 0
    due_again()
    deliver_all()
    # In their order, although both were due.
    assert [json.loads(body)["type"] for _, body, _ in inbox.requests] == [
        "incident.opened", "incident.opened", "incident.closed",
    ]  # fmt: skip
    assert len(set(inbox.ids())) == 2
    inbox.answers = [503]
    open_incident(project, server, cause="drift")
    for _ in range(deliver.MAX_ATTEMPTS + 3):
        deliver_all()
        due_again()
    assert NotificationDelivery.objects.filter(state="failed", attempts=deliver.MAX_ATTEMPTS).count() == 1
    assert len(inbox.requests) == 3 + deliver.MAX_ATTEMPTS


def test_a_process_that_died_loses_nothing(owner: User, project: Project, server: Server, inbox: Inbox) -> None:
    add(owner, inbox.url)
    open_incident(project, server)
    claimed = delivery_rows.claim(now=clock.now(), lease=deliver.LEASE)
    assert claimed is not None
    assert deliver_all() == 0
    due_again()
    assert deliver_all() == 1
    assert inbox.ids() == [str(claimed.id)]
    # Whoever held it before is too late to say anything of it.
    assert not delivery_rows.end(claimed=claimed, state=DeliveryState.FAILED, error="x", at=now())


def test_quiet_hours_and_mute_hold_messages_back_and_say_so(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    minute = now().hour * 60 + now().minute
    add(
        owner, inbox.url, quiet_from=(minute - 60) % 1440, quiet_to=(minute + 60) % 1440, critical_always=False
    )  # fmt: skip
    held = open_incident(project, server)
    assert deliver_all() == 0
    close(held)
    muted = open_incident(project, server, cause="drift", muted_until=now() + timedelta(hours=1))
    close(muted)
    assert deliver_all() == 0
    rows = NotificationDelivery.objects.order_by("position").values_list("kind", "state", "error")
    assert list(rows) == [("opened", "skipped", announce.OVER), ("opened", "skipped", announce.MUTED)]
    assert not inbox.requests


def test_a_muted_channel_or_project_is_told_of_what_lasts_when_the_mute_ends(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    channel, _ = add(owner, inbox.url)
    caller = caller_of(owner)

    def mute(minutes: int, *, of: str) -> None:
        if of == "channel":
            mutes.mute_channel(caller=caller, channel_id=channel.id, minutes=minutes, at=now())
        else:
            mutes.mute_project(caller=caller, project_id=project.pk, minutes=minutes, at=now())

    for count, of in enumerate(("channel", "project"), start=1):
        mute(60, of=of)
        short, lasting = open_incident(project, server, cause="drift"), open_incident(project, server, cause="gone")
        deliver_all()
        assert len(inbox.requests) == count - 1
        assert NotificationDelivery.objects.filter(state="waiting", attempts=0, due_at__gt=now()).count() == 2
        close(short)
        mute(0, of=of)
        deliver_all()
        assert [json.loads(body)["data"]["cause"] for _, body, _ in inbox.requests] == ["gone"] * count
        Incident.objects.filter(pk=lasting.pk).delete()
        NotificationDelivery.objects.all().delete()
    with pytest.raises(Invalid):
        mute(7 * 24 * 60 + 1, of="project")
    told = AuditEntry.objects.filter(project_id=project.pk, action="settings_changed").order_by("pk")
    details = [entry.detail for entry in told]
    assert len(details) == 2
    assert details[0].startswith("notifications: muted until ")
    assert details[1] == "notifications: not muted"


def test_an_incident_that_is_muted_while_its_message_waits_is_not_told_and_sending_again_is_held_by_nothing(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    channel, _ = add(owner, inbox.url)
    incident = open_incident(project, server)
    Incident.objects.filter(pk=incident.pk).update(muted_until=now() + timedelta(hours=1))
    mutes.mute_channel(caller=caller_of(owner), channel_id=channel.id, minutes=60, at=now())
    deliver_all()
    row = NotificationDelivery.objects.get()
    assert (row.state, row.error, inbox.requests) == ("skipped", announce.MUTED, [])
    channels.repeat_delivery(caller=caller_of(owner), delivery_id=row.id)
    deliver_all()
    assert inbox.ids() == [str(row.id)]


def test_reminders_come_as_configured_until_somebody_takes_care(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    add(owner, inbox.url, reminder_minutes=30)
    incident = open_incident(project, server)
    deliver_all()
    assert announce.remind(at=now() + timedelta(minutes=29)) == 0
    assert announce.remind(at=now() + timedelta(minutes=31)) == 1
    assert announce.remind(at=now() + timedelta(minutes=31)) == 0
    due_again()
    deliver_all()
    assert states() == [("opened", "sent"), ("reminder", "sent")]
    Incident.objects.filter(pk=incident.pk).update(acknowledged_at=now())
    assert announce.remind(at=now() + timedelta(days=3)) == 0
    assert json.loads(inbox.requests[-1][1])["type"] == "incident.reminder"


def test_what_becomes_worse_is_told_to_those_who_want_the_worst(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    add(owner, inbox.url, least_severity="critical")
    incident = open_incident(project, server, severity="warning")
    assert states() == []
    Incident.objects.filter(pk=incident.pk).update(severity="critical")
    announce.announce_opened(incident=incident_rows.get(incident_id=incident.pk), at=now())
    assert states() == [("opened", "waiting")]


def test_who_left_the_project_hears_no_more_of_it(owner: User, project: Project, server: Server, inbox: Inbox) -> None:
    member, stranger = factories.make_user("member"), factories.make_user("stranger")
    factories.add_member(project, member, role="viewer")
    add(member, inbox.url)
    add(stranger, inbox.url)
    open_incident(project, server)
    assert states() == [("opened", "waiting")]
    ProjectMember.objects.filter(user=member).delete()
    deliver_all()
    assert states() == [("opened", "skipped")]
    assert not inbox.requests


def test_private_addresses_are_reached_by_name_alone_and_no_redirect_is_followed(
    owner: User, project: Project, server: Server, inbox: Inbox, settings: Settings
) -> None:
    allowed = settings.AXION_NOTIFICATION_HOSTS
    settings.AXION_NOTIFICATION_HOSTS = []
    with pytest.raises(Invalid) as error:
        add(owner, inbox.url)
    assert set(error.value.details) == {"address"}
    # A name says nothing of where it leads: that is judged when connecting.
    add(owner, inbox.url.replace("127.0.0.1", "localhost"))
    open_incident(project, server)
    deliver_all()
    assert not inbox.requests
    assert "AXION_NOTIFICATION_HOSTS" in NotificationDelivery.objects.get().error
    settings.AXION_NOTIFICATION_HOSTS = [f"localhost:{inbox.port}", *allowed]
    inbox.answers, inbox.location = [302], inbox.url
    due_again()
    deliver_all()
    assert len(inbox.requests) == 1
    assert NotificationDelivery.objects.get().error == "The receiver answered with status 302."


def test_a_test_goes_out_and_anything_can_be_sent_again_under_its_id(owner: User, inbox: Inbox) -> None:
    channel, _ = add(owner, inbox.url)
    channels.send_test(caller=caller_of(owner), channel_id=channel.id, at=now())
    row = NotificationDelivery.objects.get()
    with pytest.raises(Conflict):
        channels.repeat_delivery(caller=caller_of(owner), delivery_id=row.id)
    deliver_all()
    channels.repeat_delivery(caller=caller_of(owner), delivery_id=row.id)
    deliver_all()
    assert inbox.ids() == [str(row.id)] * 2


def test_a_channel_that_is_changed_keeps_its_address_until_another_one_is_given(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    channel, former = add(owner, inbox.url, causes=frozenset({"drift"}), reminder_minutes=5)
    caller = caller_of(owner)
    rules = ChannelRules(causes=frozenset({"gone"}), project_ids=frozenset({project.pk}))
    change = ChannelChange(name="theirs", rules=rules)
    changed, secret = channels.change_channel(caller=caller, channel_id=channel.id, change=change)
    assert (changed.name, changed.rules, secret) == ("theirs", rules, "")
    open_incident(project, server, cause="drift")
    assert states() == []
    open_incident(project, server, cause="gone")
    moved = replace(change, address=f"{inbox.url}?moved")
    _, secret = channels.change_channel(caller=caller, channel_id=channel.id, change=moved)
    assert secret not in ("", former)
    assert deliver_all() == 1
    headers, body, path = inbox.requests[0]
    assert path.endswith("?moved")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    code = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(code).decode()}"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"name": ""}, "name"), ({"address": "ftp://example.org"}, "address"),
     ({"rules": ChannelRules(time_zone="Nowhere")}, "timeZone"),
     ({"rules": ChannelRules(causes=frozenset("x"))}, "causes")],
)  # fmt: skip
def test_a_change_that_is_wrong_changes_nothing(owner: User, inbox: Inbox, wrong: dict[str, Any], field: str) -> None:
    channel, _ = add(owner, inbox.url)
    before = NotificationChannel.objects.values().get()
    change = replace(ChannelChange(name="other", rules=ChannelRules(reminder_minutes=9)), **wrong)
    with pytest.raises(Invalid) as error:
        channels.change_channel(caller=caller_of(owner), channel_id=channel.id, change=change)
    assert set(error.value.details) == {field}
    assert NotificationChannel.objects.values().get() == before


def test_addresses_are_sealed_and_follow_a_new_key(
    owner: User, project: Project, server: Server, inbox: Inbox, settings: Settings
) -> None:
    _, secret = add(owner, f"{inbox.url}?token=canary-4711")
    stored = json.dumps(NotificationChannel.objects.values().get(), default=str)
    assert "canary-4711" not in stored
    assert secret not in stored
    settings.AXION_ENCRYPTION_KEYS = {**settings.AXION_ENCRYPTION_KEYS, 99: b"k" * 32}
    rotate_keys()
    settings.AXION_ENCRYPTION_KEYS = {99: b"k" * 32}
    open_incident(project, server)
    deliver_all()
    assert inbox.requests[0][2] == "/hook?token=canary-4711"
    settings.AXION_ENCRYPTION_KEYS = {100: b"l" * 32}
    open_incident(project, server, cause="drift")
    deliver_all()
    assert "encryption key is missing" in NotificationDelivery.objects.get(state="waiting").error


def test_nothing_that_failed_says_where_it_should_have_gone(
    owner: User, project: Project, server: Server, inbox: Inbox, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    add(owner, f"{inbox.url}?token=canary-4711")
    inbox.answers = [500]
    open_incident(project, server)
    deliver_all()
    said = [caplog.text, *capfd.readouterr(), NotificationDelivery.objects.get().error]
    assert not any("canary" in text or str(inbox.port) in text for text in said)


def test_old_deliveries_go_by_age_and_by_number_but_none_of_an_open_incident(
    owner: User, project: Project, server: Server, inbox: Inbox
) -> None:
    channel, _ = add(owner, inbox.url)
    open_incident(project, server)
    for _ in range(4):
        channels.send_test(caller=caller_of(owner), channel_id=channel.id, at=now())
    deliver_all()
    assert delivery_rows.drop_beyond(number=2, limit=1) == 1
    assert delivery_rows.drop_beyond(number=2, limit=100) == 1
    assert delivery_rows.drop_beyond(number=2, limit=100) == 0
    assert delivery_rows.drop_before(before=now() - timedelta(days=1), limit=100) == 0
    assert delivery_rows.drop_before(before=now() + timedelta(seconds=1), limit=100) == 2
    assert states() == [("opened", "sent")]


@pytest.mark.parametrize(
    "address",
    ["", "ftp://example.org", "https://", "https://user:pass@example.org", "https://169.254.169.254/", "http://[::1]/",
     "http://10.1.2.3:80/", "https://example.org:0", "https://example.org/\r\nx", "x" * 3000],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_by_the_field(owner: User, address: str) -> None:
    with pytest.raises(Invalid) as error:
        add(owner, address)
    assert set(error.value.details) == {"address"}
    assert NotificationChannel.objects.count() == 0
