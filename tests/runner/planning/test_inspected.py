"""What `docker inspect` says of a container's health check. No Docker."""

from __future__ import annotations

from typing import Any

import pytest

from agents.runner.planning.container_settings import shown_settings
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


def test_ports_that_docker_chose_are_told_and_those_that_were_asked_for_are_not() -> None:
    def bound(*ends: tuple[str, str]) -> list[dict[str, str]]:
        return [{"HostIp": address, "HostPort": port} for address, port in ends]

    asked = {"80/tcp": bound(("", ""), ("", "8080")), "53/udp": bound(("", "0")), "90/tcp": bound(("127.0.0.1", ""))}
    present = {
        "80/tcp": bound(("0.0.0.0", "32768"), ("::", "32768"), ("0.0.0.0", "8080")),
        "53/udp": bound(("0.0.0.0", "32769")),
        "90/tcp": bound(("127.0.0.1", "32770")),
        "91/tcp": None,
    }
    inspected = {"Config": {}, "HostConfig": {"PortBindings": asked}, "NetworkSettings": {"Ports": present}}
    assert shown_settings(inspected)["givenPorts"] == "32768->80/tcp, 32769->53/udp"
    fixed = {"PortBindings": {"80/tcp": bound(("", "81"))}}
    assert "givenPorts" not in shown_settings({**inspected, "HostConfig": fixed})
    assert "givenPorts" not in shown_settings({**inspected, "NetworkSettings": {}})
