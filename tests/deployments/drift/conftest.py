"""A deployed stack, for tests of what is changed on its server."""

from __future__ import annotations

import pytest

from tests.deployments.drift.stage import Stage
from tests.deployments.lane import Lane


@pytest.fixture
def stage(lane: Lane) -> Stage:
    """Two services, proven and seen."""
    made = Stage(lane)
    made.connect()
    made.deploy()
    return made
