"""Receivers, allowed by name, and somebody with a project."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from deployments.models import User
from tests import factories
from tests.deployments.notifications.receivers import Inbox, http_receiver, smtp_receiver


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    with http_receiver() as made:
        settings.AXION_NOTIFICATION_HOSTS = [f"127.0.0.1:{made.port}"]
        yield made


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Inbox]:
    with smtp_receiver() as made:
        settings.AXION_NOTIFICATION_HOSTS = [f"127.0.0.1:{made.port}"]
        yield made


@pytest.fixture
def owner(db: None) -> User:
    return factories.make_user("owner")
