"""What people do with channels: add, change or delete one, send a test, see what went there, send that again."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.data.incident_types import Cause
from deployments.data.list_types import Page, PageRequest
from deployments.data.notification_types import (
    MAX_REMINDER_MINUTES,
    MINUTES_A_DAY,
    ChannelChange,
    ChannelKind,
    ChannelRecord,
    ChannelRules,
    DeliveryRecord,
    MessageKind,
    NewChannel,
    NewDelivery,
)
from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.names import MAX_NAME
from deployments.notifiers import sending
from deployments.repositories import clock, projects
from deployments.repositories.notifications import channel_rows, delivery_rows
from deployments.services.permissions import access
from deployments.services.secrets import sealing
from deployments.types import Caller, Right

# Of one user, and of one project.
MAX_CHANNELS = 50
SECRET_BYTES = 24
SECRET_PREFIX = "whsec_"  # noqa: S105 - how such a secret begins


def add_channel(*, caller: Caller, new: NewChannel, at: datetime) -> tuple[ChannelRecord, str]:
    """Store a channel; for a webhook return, this once, what its messages are signed with.

    A project's channels are its owner's to make. Raises NotFound, Forbidden, Invalid, or Conflict.
    """
    if new.project_id is not None:
        access.project_for(caller=caller, project_id=new.project_id, right=Right.CHANGE)
    _check(name=new.name, rules=new.rules, project_id=new.project_id, caller=caller)
    channel_id = uuid4()
    service, sealed, secret = _sealed_address(kind=new.kind, address=new.address, channel_id=channel_id)
    owner_id = None if new.project_id else caller.user_id
    with transaction.atomic():
        if channel_rows.count(owner_id=owner_id, project_id=new.project_id) >= MAX_CHANNELS:
            raise Conflict(sentence("There are {max_channels} channels. Delete one first.", max_channels=MAX_CHANNELS))
        made = channel_rows.add(
            channel_id=channel_id, new=new, owner_id=owner_id, service=service, sealed=sealed, at=at
        )
    return made, secret


def change_channel(*, caller: Caller, channel_id: UUID, change: ChannelChange) -> tuple[ChannelRecord, str]:
    """Store another name, other rules, and another address of the same kind where one is given.

    Whoever was told under the former address knows what it was signed with: a webhook that moves gets a new secret,
    which is returned this once. What waits goes to the new address. Raises NotFound, Forbidden, or Invalid.
    """
    channel = get_channel_to_change(caller=caller, channel_id=channel_id)
    _check(
        name=change.name,
        rules=change.rules,
        project_id=channel.project_id,
        caller=caller,
        known=channel.rules.project_ids,
    )
    service, sealed, secret = "", "", ""
    if change.address:
        service, sealed, secret = _sealed_address(
            kind=ChannelKind(channel.kind), address=change.address, channel_id=channel_id
        )
    channel_rows.change(channel_id=channel_id, name=change.name, rules=change.rules, service=service, sealed=sealed)
    return get_channel(caller=caller, channel_id=channel_id), secret


def _sealed_address(*, kind: ChannelKind, address: str, channel_id: UUID) -> tuple[str, str, str]:
    """Return what kind of receiver it is, the address sealed, and for a webhook the new secret. Raises Invalid."""
    service = sending.check_address(kind=kind, address=address)
    secret = ""
    if kind is ChannelKind.WEBHOOK:
        secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    sealed = sealing.seal_channel(values={"address": address, "secret": secret}, channel_id=channel_id)
    return service, sealed, secret


def list_channels(*, caller: Caller, project_id: UUID | None = None) -> tuple[ChannelRecord, ...]:
    """Return the caller's channels and those of projects that the caller may see. Raises NotFound for strangers."""
    if project_id is not None:
        access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return channel_rows.listed(caller=caller, project_id=project_id)


def get_channel(*, caller: Caller, channel_id: UUID) -> ChannelRecord:
    """Return the channel. Raises NotFound for strangers."""
    return channel_rows.find(caller=caller, channel_id=channel_id)


def may_change(*, caller: Caller, channel: ChannelRecord) -> bool:
    """Return whether a caller who may see the channel may use and delete it."""
    if channel.project_id is None:
        return channel.owner_id == caller.user_id
    return access.may(caller=caller, project_id=channel.project_id, right=Right.CHANGE)


def delete_channel(*, caller: Caller, channel_id: UUID) -> None:
    """Delete the channel and what is known of its deliveries. Raises NotFound or Forbidden."""
    get_channel_to_change(caller=caller, channel_id=channel_id)
    channel_rows.remove(channel_id=channel_id)


def send_test(*, caller: Caller, channel_id: UUID, at: datetime) -> None:
    """Store a message that says it is a test; it goes out like all others. Raises NotFound or Forbidden."""
    channel = get_channel_to_change(caller=caller, channel_id=channel_id)
    message = "This is a test: messages about incidents arrive here."
    test = NewDelivery(
        channel_id=channel.id,
        project_id=None,
        incident_id=None,
        kind=MessageKind.TEST,
        content={"type": "channel.test", "timestamp": at.isoformat(), "data": {"message": message}},
        due_at=clock.now(),
    )
    delivery_rows.append(deliveries=[test], at=at)


def list_deliveries(*, caller: Caller, channel_id: UUID, page: int = 1, limit: int = 20) -> Page[DeliveryRecord]:
    """Return a page of what went to the channel, or will, the newest first. Raises NotFound for strangers."""
    get_channel(caller=caller, channel_id=channel_id)
    wanted = PageRequest(page=page, limit=limit)
    return delivery_rows.page_of(caller=caller, channel_id=channel_id, page=wanted.page, limit=wanted.limit)


def repeat_delivery(*, caller: Caller, delivery_id: UUID) -> DeliveryRecord:
    """Send a message again under the same id. Raises NotFound, Forbidden, or Conflict while it is on its way."""
    delivery = delivery_rows.find(caller=caller, delivery_id=delivery_id)
    get_channel_to_change(caller=caller, channel_id=delivery.channel_id)
    if not delivery_rows.repeat(delivery_id=delivery_id, at=clock.now()):
        raise Conflict(sentence("The message is on its way already."))
    return delivery_rows.find(caller=caller, delivery_id=delivery_id)


def get_channel_to_change(*, caller: Caller, channel_id: UUID) -> ChannelRecord:
    """Return the channel to somebody who may change it. Raises NotFound for strangers, or Forbidden."""
    channel = get_channel(caller=caller, channel_id=channel_id)
    if not may_change(caller=caller, channel=channel):
        raise Forbidden(sentence("You can view this channel but not change it. Ask the project's owner."))
    return channel


def _check(
    *,
    name: str,
    rules: ChannelRules,
    project_id: UUID | None,
    caller: Caller,
    known: frozenset[UUID] = frozenset(),
) -> None:
    """Raise Invalid for what is out of bounds, NotFound for projects that the caller may not see.

    `known` are those that the channel names already.
    """
    wrong = {
        **({} if 0 < len(name) <= MAX_NAME and name.isprintable() else {"name": f"1 to {MAX_NAME} printable"}),
        **_wrong_rules(rules),
    }
    if project_id and rules.project_ids:
        wrong["projectIds"] = "a project's channel is about that project alone"
    if wrong:
        raise Invalid(sentence("The channel is not valid."), details=wrong)
    for named in rules.project_ids - known:
        if projects.find_visible(caller=caller, project_id=named) is None:
            raise NotFound(sentence("No such project."))


def _wrong_rules(rules: ChannelRules) -> Mapping[str, str]:
    wrong = {}
    if unknown := rules.causes - {str(cause) for cause in Cause}:
        wrong["causes"] = f"not a cause: {', '.join(sorted(unknown))[:100]}"
    if not 0 <= rules.reminder_minutes <= MAX_REMINDER_MINUTES:
        wrong["reminderMinutes"] = f"between 0 and {MAX_REMINDER_MINUTES}"
    for name, minute in (("quietFrom", rules.quiet_from), ("quietTo", rules.quiet_to)):
        if not 0 <= minute < MINUTES_A_DAY:
            wrong[name] = "a time of the day"
    try:
        ZoneInfo(rules.time_zone)
    except (ValueError, OSError, KeyError):
        wrong["timeZone"] = "the name of a time zone, such as Europe/Berlin"
    return wrong
