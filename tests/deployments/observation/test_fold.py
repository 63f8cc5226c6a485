"""The state of a stack from what is seen of its containers: a table of what people do and what must be said then."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.rules.observed import (
    MAX_TOLD,
    RESTARTING_MS,
    MeantService,
    ObservedContainer,
    ObservedState,
    fold,
)

NOW_MS = 10_000_000
WEB = MeantService(name="web", node_id="n-web", copies=1)
DB = MeantService(name="db", node_id="n-db", copies=1)
SINCE = {"web": 5_000_000, "db": 4_000_000}


def container(service: str, **facts: Any) -> ObservedContainer:
    usual: dict[str, Any] = {"state": "running", "health": "healthy", "image": "sha256:a", "restarts_itself": True}
    number = facts.pop("number", 1)
    return ObservedContainer(
        **{"id": f"{service}{number}", "name": f"p-{service}-{number}", "service": service, **usual, **facts}
    )


def state(*containers: ObservedContainer, meant: tuple[MeantService, ...] = (WEB, DB)) -> ObservedState:
    return fold(meant=meant, containers=containers, changed=SINCE, now_ms=NOW_MS)


SOUND = container("db")
DEAD = {"state": "exited", "exit_code": 3, "health": "none"}


@pytest.mark.parametrize(
    ("web", "condition", "message"),
    [
        ((container("web"),), "running", ""),
        ((container("web", health="none"),), "running", ""),
        ((), "degraded", "web: its container is missing."),
        ((container("web", health="starting"),), "starting", ""),
        ((container("web", state="created"),), "starting", ""),
        ((container("web", health="unhealthy"),), "degraded", "web runs, but its health check fails."),
        ((container("web", **DEAD),), "degraded", "web was stopped on the server."),
        ((container("web", restarts_itself=False, **DEAD),), "degraded", "web exited with code 3."),
        (
            (container("web", restarts_itself=False, state="exited", exit_code=137),),
            "degraded",
            "web was killed (exit code 137), by somebody or for lack of memory.",
        ),
        (
            (container("web", restarts_itself=False, state="exited", exit_code=137, oom_killed=True),),
            "degraded",
            "web ran out of memory and exited with code 137.",
        ),
        ((container("web", state="paused"),), "degraded", "web was paused on the server."),
        (
            (container("web", state="restarting", restarts=4, exit_code=1),),
            "restarting",
            "web keeps restarting (4 times): it exited with code 1.",
        ),
    ],
)
def test_what_is_said_of_a_stack(web: tuple[ObservedContainer, ...], condition: str, message: str) -> None:
    seen = state(SOUND, *web)
    assert (seen.condition, seen.message) == (condition, message)
    assert [service.name for service in seen.services] == ["web", "db"]


def test_a_container_that_was_just_started_again_is_not_trusted_yet() -> None:
    young = container("web", restarts=1, exit_code=1, since_ms=NOW_MS - RESTARTING_MS + 1)
    assert state(SOUND, young).condition == "restarting"
    assert state(SOUND, container("web", restarts=1, since_ms=NOW_MS - RESTARTING_MS)).condition == "running"


def test_one_copy_of_several_is_missing() -> None:
    three = MeantService(name="web", node_id="n-web", copies=3)
    seen = state(SOUND, container("web"), container("web", number=2), meant=(three, DB))
    assert (seen.condition, seen.message) == ("degraded", "web: 1 of 3 containers is missing.")
    assert (seen.services[0].running, seen.services[0].copies) == (2, 3)


def test_of_many_that_are_missing_a_few_are_named() -> None:
    many = tuple(MeantService(name=f"s{number}", node_id=f"n{number}", copies=1) for number in range(MAX_TOLD + 2))
    message = state(SOUND, meant=(*many, DB)).message
    assert message.startswith("s0: its container is missing. s1: ")
    assert message.endswith("s4: its container is missing. And 2 more.")


def test_what_makes_the_stack_what_it_is_is_said_first() -> None:
    many = tuple(MeantService(name=f"s{number}", node_id=f"n{number}", copies=1) for number in range(MAX_TOLD + 2))
    looping = container("web", state="restarting", restarts=3, exit_code=1)
    assert state(looping, meant=(*many, WEB)).message.startswith("web keeps restarting")
    ill = container("db", health="unhealthy")
    assert state(container("web"), ill, meant=(DB, WEB, *many)).message.startswith("s0: its container is missing.")


def test_all_of_it_is_gone_or_was_stopped() -> None:
    assert state().condition == "gone"
    assert state(container("web", **DEAD), container("db", **DEAD)).condition == "stopped"
    assert state(container("web", **DEAD), container("db", restarts_itself=False, **DEAD)).condition == "degraded"


def test_nothing_is_meant_to_run_and_who_runs_all_the_same_is_named() -> None:
    seen = state(container("web"), meant=())
    assert (seen.condition, seen.strangers) == ("nothing", ("p-web-1",))
    assert state(SOUND, container("web"), container("cron")).strangers == ("p-cron-1",)


def test_it_is_so_since_the_last_change_of_a_service() -> None:
    assert state(SOUND, container("web")).since_ms == 5_000_000


ANY_CONTAINER = st.builds(
    container,
    st.sampled_from(["web", "db", "stray"]),
    number=st.integers(1, 3),
    state=st.sampled_from(["running", "exited", "restarting", "paused", "created", "dead"]),
    health=st.sampled_from(["healthy", "unhealthy", "starting", "none"]),
    restarts=st.integers(0, 2),
    exit_code=st.sampled_from([0, 3, 137]),
    oom_killed=st.booleans(),
    restarts_itself=st.booleans(),
    since_ms=st.sampled_from([0, NOW_MS - 1]),
)


@given(found=st.lists(ANY_CONTAINER, max_size=6, unique_by=lambda each: each.id), order=st.randoms())
def test_containers_in_any_order_amount_to_the_same_and_never_to_more_than_was_seen(
    found: list[ObservedContainer], order: Random
) -> None:
    shuffled = order.sample(found, k=len(found))
    seen, other = state(*found), state(*shuffled)
    assert (seen.condition, seen.since_ms, seen.strangers) == (other.condition, other.since_ms, other.strangers)
    assert [(each.condition, each.running) for each in seen.services] == [
        (each.condition, each.running) for each in other.services
    ]
    sound = {each.service for each in found if each.state == "running" and each.health in ("healthy", "none")}
    assert {each.name for each in seen.services if each.running} <= sound
    assert seen.condition != "running" or {"web", "db"} <= sound
