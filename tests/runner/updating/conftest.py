"""Fixtures of agents that become another version."""

from __future__ import annotations

import pytest

from agents.contracts.version import UPDATES_PROTOCOL
from tests.runner.gateway import TestGateway


@pytest.fixture
def served(gateway: TestGateway) -> TestGateway:
    """A gateway that agents may be told to update by."""
    gateway.protocol = UPDATES_PROTOCOL
    return gateway
