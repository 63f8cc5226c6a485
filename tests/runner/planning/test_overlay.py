"""Which services Docker is to look at sooner, and which versions understand that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.runner.docker.versions import numbers_of, understand_start_interval
from agents.runner.planning.model import Release, WantedService
from agents.runner.planning.overlay import overlay, services_to_check_early

CHECK = {"test": ["CMD", "true"], "interval": "2s", "start_period": "30s"}


@pytest.mark.parametrize(
    ("check", "early"),
    [
        (CHECK, True),
        ({**CHECK, "start_interval": "1s"}, False),
        ({**CHECK, "disable": True}, False),
        ({**CHECK, "start_period": ""}, False),
        ({"start_period": "30s"}, False),
        (None, False),
        ("none", False),
    ],
)
def test_what_somebody_chose_stays(check: Any, early: bool) -> None:
    stack = {"services": {"web": {"healthcheck": check}, "plain": {}}}
    assert services_to_check_early(stack) == ({"web"} if early else frozenset())
    assert services_to_check_early({}) == frozenset()


def test_the_overlay_has_it_for_these_alone() -> None:
    services = tuple(WantedService(name=name, image="i") for name in ("web", "plain"))
    release = Release(deployment_id="d", project_id="p", stack="s", files={}, services=services)
    laid_over = json.loads(overlay(release=release, pinned={}, volumes={}, checked_early={"web"}))
    assert laid_over["services"]["web"]["healthcheck"] == {"start_interval": "200ms"}
    assert "healthcheck" not in laid_over["services"]["plain"]


@pytest.mark.parametrize(
    ("api", "compose", "understood"),
    [
        ("1.44", "2.26.1-4", True),
        ("1.45", "v2.21.0", True),
        ("1.100", "3.0", True),
        ("1.41", "2.26.1", False),
        ("1.44", "2.20.3", False),
        ("1.44", "dev", False),
        ("", "2.26.1", False),
    ],
)
def test_old_versions_are_not_asked_for_it(api: str, compose: str, understood: bool) -> None:
    assert understand_start_interval(api=numbers_of(api), compose=numbers_of(compose)) is understood
