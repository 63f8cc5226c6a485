"""A project that was deployed, on a server whose agent tells of volumes."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from agents.contracts.version import VOLUMES_PROTOCOL
from agents.models import Agent
from deployments.models import ObservedHost
from tests.deployments.lane import Lane


@pytest.fixture
def session(lane: Lane) -> UUID:
    session_id = uuid4()
    Agent.objects.filter(pk=lane.agent.id).update(
        session_id=session_id, protocol=VOLUMES_PROTOCOL, last_seen_at=datetime.now(UTC)
    )
    ObservedHost.objects.create(agent_id=lane.agent.id, session_id=session_id, observed_at=datetime.now(UTC))
    lane.deployed()
    return session_id
