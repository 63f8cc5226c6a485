"""The people of the attacks are those of the doors."""

from __future__ import annotations

from tests.doors.conftest import (  # noqa: F401 - fixtures
    _no_request_was_counted,
    address,
    agent,
    browser,
    deployment,
    owner,
    owner_api,
    people,
    project,
    scene,
)
from tests.passwords import quick_passwords  # noqa: F401 - a fixture
