"""What `docker inspect` says of a container's health check. No Docker."""

from __future__ import annotations

from typing import Any

import pytest

from agents.runner.planning.inspected import HealthCheck, health_check_of

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("config", "check"),
    [
        ({}, None),
        ({"Healthcheck": None}, None),
        ({"Healthcheck": {"Test": ["NONE"]}}, None),
        ({"Healthcheck": {"Test": []}}, None),
        ({"Healthcheck": {"Test": ["CMD"]}}, None),
        ({"Healthcheck": {"Test": ["CMD", "ask", "me"]}}, HealthCheck(argv=("ask", "me"), timeout=30)),
        (
            {"Healthcheck": {"Test": ["CMD-SHELL", "ask | me"], "Timeout": 2 * SECOND}},
            HealthCheck(argv=("/bin/sh", "-c", "ask | me"), timeout=2),
        ),
        (
            {"Shell": ["bash", "-ec"], "Healthcheck": {"Test": ["CMD-SHELL", "ask"], "Timeout": SECOND // 2}},
            HealthCheck(argv=("bash", "-ec", "ask"), timeout=0.5),
        ),
        # Docker looks sooner by itself.
        ({"Healthcheck": {"Test": ["CMD", "ask"], "StartInterval": SECOND // 5}}, None),
    ],
)
def test_it_is_asked_as_docker_would(config: dict[str, Any], check: HealthCheck | None) -> None:
    assert health_check_of({"Config": config}) == check
