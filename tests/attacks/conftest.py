"""The people of the attacks are those of the doors."""

from __future__ import annotations

from tests.doors.conftest import (  # noqa: F401 - fixtures
    _no_request_was_counted,
    _quick_passwords,
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
