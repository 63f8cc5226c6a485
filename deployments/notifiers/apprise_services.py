"""Every other receiver, by the apprise library: an address names the service and what it needs.

The library is imported when it is needed: it is large, and most processes never send.
"""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings

from agents.wording.sentences import sentence
from deployments.data.notification_types import Message
from deployments.errors import Invalid
from deployments.notifiers.public_sockets import NotAllowed, public_only
from deployments.notifiers.signed_webhook import MAX_ADDRESS, NotDelivered

STEP_SECONDS = 10.0
MAX_SERVICE = 64
NOT_INSTALLED = sentence(
    "The apprise library, or one that this service needs, is not installed with the control plane."
)
# These tell the machine of the control plane itself, or work in threads where no check follows.
REFUSED = frozenset(
    {"dbus", "kde", "qt", "glib", "gnome", "macosx", "windows", "syslog", "rsyslog", "mqtt", "mqtts", "xmpp", "xmpps"}
)


def check(*, address: str) -> str:
    """Return the name of the service that an address is of. Raises Invalid; says nothing of the address."""
    if len(address) > MAX_ADDRESS or not address.isprintable():
        raise _invalid(sentence("at most {max_address} printable characters", max_address=MAX_ADDRESS))
    if address.partition(":")[0].lower() in REFUSED:
        raise _invalid(sentence("this service is not offered"))
    try:
        plugin = _plugin(address)
    except NotAllowed as error:
        raise _invalid(str(error)) from None
    except ImportError:
        raise _invalid(NOT_INSTALLED) from None
    if plugin is None:
        raise _invalid(sentence("not an address that the apprise library knows, such as mailto:// or ntfy://"))
    return str(plugin.service_name or plugin.schemas().pop())[:MAX_SERVICE]


def send(*, message: Message, address: str) -> None:
    """Send the message once. Raises NotDelivered."""
    try:
        plugin = _plugin(address)
        if plugin is None:
            raise NotDelivered(sentence("The address is not one that the service accepts any more."))
        with public_only(allowed_hosts=settings.AXION_NOTIFICATION_HOSTS):
            sent = plugin.notify(title=message.title, body=message.text or message.title)
    except NotAllowed as error:
        raise NotDelivered(str(error)) from None
    except NotDelivered:
        raise
    except ImportError:
        raise NotDelivered(NOT_INSTALLED) from None
    except Exception as error:
        # Of a hundred plugins, each raises what it likes; texts of theirs may hold the address.
        raise NotDelivered(
            sentence("The service could not be reached ({fault}).", fault=type(error).__name__)
        ) from None
    if not sent:
        raise NotDelivered(sentence("The service did not take the message, or could not be reached."))


def _plugin(address: str) -> Any:
    """Return what sends to the address, or None. Raises NotAllowed where that alone opens a file; sending may, too."""
    import apprise

    # What it logs holds addresses.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(
        storage_mode=apprise.PersistentStoreMode.MEMORY, secure_logging=True, async_mode=False, plugin_paths=[]
    )
    # The plugins themselves are loaded before anything of the address is looked at. The manager has no types.
    manager: Any = apprise.NotificationManager
    manager().load_modules()
    with public_only(allowed_hosts=()):
        plugin: Any = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if plugin is None or isinstance(plugin, list):
        return None
    plugin.socket_connect_timeout = plugin.socket_read_timeout = STEP_SECONDS
    # We try again ourselves, and follow nobody elsewhere.
    plugin.retry, plugin.redirects = 0, False
    return plugin


def _invalid(why: str) -> Invalid:
    return Invalid(sentence("The address of the channel is not valid."), details={"address": why})
