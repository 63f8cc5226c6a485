"""Deployments that grow old, and the housekeeping that looks at them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from deployments.event_types import EventType, NewEvent
from deployments.models import (
    CodeBundle,
    Deployment,
    DeploymentEvent,
    GraphVersion,
)
from deployments.repositories import events
from deployments.services.upkeep import housekeeping, prune
from deployments.types import DeploymentRecord
from tests.deployments.lane import Lane
from tests.factories import NOW

CANARY = "canary-55ab-ü$"


@pytest.fixture(autouse=True)
def now_is_the_time(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """What is done seldom is due; no Kafka is configured."""
    monkeypatch.setattr(prune, "_hourly_sweep", prune.HourlySweep())
    monkeypatch.setattr(prune, "_number_sweep", prune.NumberSweep())
    monkeypatch.setattr(prune, "_rows_sweep", prune.RowsSweep())
    settings.KAFKA_BROKERS = []


def released(lane: Lane, image: str) -> DeploymentRecord:
    lane.store_graph(web=image, db="db:1")
    made = lane.deployed(env_vars={"API_KEY": CANARY})
    log = NewEvent(type=EventType.LOG_WRITTEN, payload={"text": "hello", "serviceName": "web", "source": "apply"})
    events.append(deployment_id=made.id, events=[log], at=NOW)
    return made


def age(days: float) -> None:
    """As if all of this had been so long ago, and every event had gone out."""
    long_ago = datetime.now(UTC) - timedelta(days=days)
    Deployment.objects.filter(completed_at__isnull=False).update(completed_at=long_ago)
    DeploymentEvent.objects.update(published_at=long_ago, streamed_at=long_ago)
    GraphVersion.objects.update(created_at=long_ago)
    CodeBundle.objects.update(created_at=long_ago)


def tidy(lane: Lane) -> None:
    for _ in range(20):
        if not housekeeping.tidy(at=lane.now()):
            return
    raise AssertionError("it never came to an end")
