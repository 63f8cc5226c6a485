"""Tasks of people, whose clicks and seconds are told at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.doors.browser.tasks import Task


@pytest.fixture
def begin(request: pytest.FixtureRequest) -> Callable[[str], Task]:
    """Begin to count what somebody does."""
    return lambda name: Task(name=name, told=request.node.user_properties)
