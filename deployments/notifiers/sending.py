"""The one port to receivers: what an address is, and a message to it."""

from __future__ import annotations

from collections.abc import Mapping

from deployments.data.notification_types import ChannelKind, Message
from deployments.notifiers import apprise_services, signed_webhook
from deployments.notifiers.signed_webhook import NotDelivered

__all__ = ["NotDelivered", "check_address", "send"]


def check_address(*, kind: ChannelKind, address: str) -> str:
    """Return what kind of receiver it is, for people. Raises Invalid, naming `address` and never its value."""
    check = signed_webhook.check if kind is ChannelKind.WEBHOOK else apprise_services.check
    return check(address=address)


def send(*, kind: ChannelKind, message: Message, values: Mapping[str, str]) -> None:
    """Send the message once, within a deadline; no transaction may be open. Raises NotDelivered."""
    if kind is ChannelKind.WEBHOOK:
        signed_webhook.send(message=message, address=values["address"], secret=values["secret"])
    else:
        apprise_services.send(message=message, address=values["address"])
