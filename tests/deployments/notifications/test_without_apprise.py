"""A control plane whose packages were not brought up to date says so, and sends webhooks all the same."""

from __future__ import annotations

import sys

import pytest

from deployments.data.notification_types import ChannelKind
from deployments.errors import Invalid
from deployments.models import User
from deployments.notifiers import apprise_services
from tests.deployments.notifications.receivers import Inbox
from tests.deployments.notifications.test_delivery import add

pytestmark = pytest.mark.django_db


def test_a_library_that_is_missing_is_named(owner: User, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(Invalid) as error:
        add(owner, "ntfys://example.org/topic", ChannelKind.SERVICE)
    assert error.value.details == {"address": apprise_services.NOT_INSTALLED}
    assert add(owner, inbox.url)[1]
