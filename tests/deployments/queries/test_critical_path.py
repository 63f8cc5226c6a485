"""The critical path of a success, from events alone."""

from __future__ import annotations

from typing import Any

from deployments.services.queries.critical_path import Segment, critical_path

NEEDS = {"page": ("left", "right"), "left": ("base",), "right": ("base",), "base": ()}
Told = tuple[str, int, dict[str, Any]]
REQUESTED: Told = ("deployment.requested", 0, {})
APPLIED: Told = ("deployment.stage_reached", 200, {"stage": "deploying", "percent": 50})
SUCCESS: Told = ("deployment.status_changed", 9000, {"to": "success"})


def service(name: str, at: int, state: str, health: str = "none") -> Told:
    return "deployment.service_changed", at, {"serviceName": name, "state": state, "health": health}


def up(name: str, started: int, healthy: int) -> list[Told]:
    return [service(name, started, "running", "starting"), service(name, healthy, "running", "healthy")]


def path_of(*told: Told, window: int = 0) -> list[tuple[str, str, int]]:
    return [(each.wait, each.service, each.ms) for each in path(*told, window=window)]


def path(*told: Told, window: int = 0) -> tuple[Segment, ...]:
    events = [{"type": kind, "createdAt": at, "payload": said} for kind, at, said in sorted(told, key=lambda e: e[1])]
    return critical_path(events, needs=NEEDS, window_ms=window)


CHAIN = [*up("base", 1000, 3000), *up("left", 1500, 4000), *up("right", 2000, 5000), *up("page", 2600, 8900)]


def test_each_service_waits_for_the_last_that_it_needed() -> None:
    found = path(REQUESTED, APPLIED, *CHAIN, SUCCESS)
    assert [(each.wait, each.service, each.ms) for each in found] == [
        ("accepted", "", 200),
        ("created", "base", 800),
        ("answered", "base", 1000),
        ("answered", "right", 600),
        ("healthy", "page", 6300),
        ("stored", "", 100),
    ]
    assert sum(each.ms for each in found) == 9000
    assert sum(each.ms for each in found if each.ours) == 300


def test_it_may_end_with_a_service_that_nobody_needs() -> None:
    slow = [*up("base", 1000, 8800), *up("left", 1500, 4000)]
    assert path_of(REQUESTED, APPLIED, *slow, SUCCESS)[1:] == [
        ("created", "base", 800),
        ("healthy", "base", 7800),
        ("stored", "", 200),
    ]


def test_images_and_the_window_are_not_ours() -> None:
    built = [service("base", 50, "building"), service("left", 60, "building"), service("base", 150, "built")]
    found = path_of(REQUESTED, *built, APPLIED, *up("base", 1000, 3000), SUCCESS, window=7000)
    assert found == [
        ("accepted", "", 50),
        ("images", "", 100),
        ("planned", "", 50),
        ("created", "base", 800),
        ("healthy", "base", 2000),
        ("watched", "", 5000),
        ("stored", "", 1000),
    ]


def test_what_was_left_as_it_is_took_no_time() -> None:
    left = [service("base", 300, "running", "healthy"), service("left", 300, "running", "healthy")]
    assert path_of(REQUESTED, APPLIED, *left, SUCCESS) == [("accepted", "", 200), ("stored", "", 8800)]


def test_a_service_without_a_health_check_is_there_when_it_runs() -> None:
    plain = [service("base", 900, "starting"), service("base", 1000, "running")]
    assert path_of(REQUESTED, APPLIED, *plain, SUCCESS)[1:] == [
        ("created", "base", 700),
        ("healthy", "base", 100),
        ("stored", "", 8000),
    ]


def test_nothing_is_said_of_what_did_not_succeed_or_is_not_known() -> None:
    failed = ("deployment.status_changed", 9000, {"to": "failed"})
    assert path_of(REQUESTED, APPLIED, *CHAIN, failed) == []
    assert path_of(REQUESTED, APPLIED, *CHAIN) == []
    assert path_of(APPLIED, *CHAIN, SUCCESS) == []
    assert path_of() == []
