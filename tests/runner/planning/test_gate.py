"""The health gate, fed with snapshots and a clock of our own. No Docker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.runner.planning.health_gate import HealthGate, run_of
from agents.runner.planning.model import Container, Target, WantedService

WEB = WantedService(name="web", image="web:1", has_health_check=True)
STARTING = Container(
    id="c1", service="web", state="running", health="starting", image_id="sha256:web", deployment_id="d1"
)
HEALTHY = replace(STARTING, health="healthy")


def gate(*, window: float = 5, service: WantedService = WEB, hasty: bool = True) -> HealthGate:
    target = Target(services=(service,), owners={"web": "d1"}, images={"web": "sha256:web"})
    return HealthGate(target=target, deadline=30, window=window, hasty=frozenset({"web"} if hasty else ()))


def test_it_passes_after_the_window_and_not_before() -> None:
    judged = gate()
    assert judged.look(observed=(STARTING,), at=0) is None
    assert judged.look(observed=(HEALTHY,), at=2) is None
    assert judged.ready(["web"])
    assert not judged.passed(at=4.9)
    assert judged.passed(at=5)


def test_the_window_counts_from_the_start_not_from_the_first_good_answer() -> None:
    judged = gate()
    judged.look(observed=(STARTING,), at=0)
    judged.look(observed=(STARTING,), at=8)
    assert not judged.passed(at=8)
    judged.look(observed=(HEALTHY,), at=9)
    assert judged.passed(at=9)


def test_the_window_begins_again_after_a_restart() -> None:
    judged = gate()
    judged.look(observed=(HEALTHY,), at=0)
    judged.look(observed=(replace(HEALTHY, state="restarting", restarts=1),), at=4)
    judged.look(observed=(replace(HEALTHY, restarts=1),), at=5)
    assert not judged.passed(at=6)
    assert judged.passed(at=10)


@pytest.mark.parametrize(
    ("container", "said"),
    [
        (replace(STARTING, health="unhealthy"), "health check fails"),
        (replace(STARTING, state="exited", exit_code=7), "exited with code 7"),
        (
            replace(STARTING, state="exited", exit_code=137),
            "code 137: it was killed, by somebody or for want of memory",
        ),
        (replace(STARTING, state="exited", exit_code=137, oom_killed=True), "memory (no limit of its own) and exited"),
    ],
)
def test_it_fails_at_once(container: Container, said: str) -> None:
    failure = gate().look(observed=(container,), at=0)
    assert failure is not None
    assert failure.service == "web"
    assert said in failure.message


def test_what_ran_before_may_recover_until_the_deadline() -> None:
    judged = gate(window=0, hasty=False)
    sick = replace(HEALTHY, health="unhealthy")
    assert judged.look(observed=(sick,), at=0) is None
    assert judged.look(observed=(HEALTHY,), at=10) is None
    assert judged.passed(at=10)
    assert judged.look(observed=(sick,), at=31) is None
    assert judged.look(observed=(sick,), at=61) is not None


def test_what_was_dead_before_is_judged_when_its_turn_is_over() -> None:
    judged = gate(window=0)
    dead = replace(STARTING, state="exited", exit_code=0)
    judged.stale = {"c1": "web"}
    assert judged.look(observed=(dead,), at=0) is None
    judged.start_judging(["web"])
    assert judged.look(observed=(dead,), at=1) is not None


def test_what_was_there_before_is_no_success_while_it_may_be_replaced() -> None:
    judged = gate(window=0)
    judged.stale = {"c1": "web"}
    judged.look(observed=(HEALTHY,), at=0)
    assert not judged.ready(["web"])
    judged.start_judging(["web"])
    judged.look(observed=(HEALTHY,), at=1)
    assert judged.passed(at=1)


def test_it_fails_at_the_deadline() -> None:
    judged = gate()
    assert judged.look(observed=(STARTING,), at=0) is None
    assert judged.look(observed=(STARTING,), at=29.9) is None
    failure = judged.look(observed=(STARTING,), at=30)
    assert failure is not None
    assert "within 30 s" in failure.message


def test_a_restart_loop_fails_and_restarts_from_before_do_not_count() -> None:
    judged = gate()
    assert judged.look(observed=(replace(STARTING, restarts=9),), at=0) is None
    assert judged.look(observed=(replace(STARTING, restarts=10),), at=1) is None
    failure = judged.look(observed=(replace(STARTING, restarts=11),), at=2)
    assert failure is not None
    assert "again and again" in failure.message


@pytest.mark.parametrize(
    "container",
    [
        replace(HEALTHY, image_id="sha256:another"),
        replace(HEALTHY, deployment_id="d0"),
        replace(HEALTHY, health="none"),
        replace(HEALTHY, state="paused"),
    ],
)
def test_what_is_not_the_target_does_not_pass(container: Container) -> None:
    judged = gate(window=0)
    assert judged.look(observed=(container,), at=0) is None
    assert not judged.passed(at=1)


def test_a_service_without_a_check_passes_by_running() -> None:
    judged = gate(window=3, service=replace(WEB, has_health_check=False))
    judged.look(observed=(replace(STARTING, health="none"),), at=0)
    assert not judged.passed(at=2)
    assert judged.passed(at=3)


def test_every_replica_counts() -> None:
    judged = gate(window=0, service=replace(WEB, replicas=2))
    judged.look(observed=(HEALTHY,), at=0)
    assert not judged.passed(at=0)
    judged.look(observed=(HEALTHY, replace(HEALTHY, id="c2")), at=1)
    assert judged.passed(at=1)


def test_whoever_is_up_again_is_told_by_its_last_end() -> None:
    judged = gate()
    judged.look(observed=(replace(STARTING, state="restarting", exit_code=3),), at=0)
    culprit = judged.culprit(observed=(replace(STARTING, restarts=1),))
    assert culprit is not None
    assert "exited with code 3" in culprit.message


def test_no_exit_code_is_made_up() -> None:
    restarted = gate().culprit(observed=(replace(STARTING, restarts=1),))
    unhealthy = gate().culprit(observed=(replace(STARTING, health="unhealthy"),))
    assert restarted is not None
    assert unhealthy is not None
    assert "code" not in restarted.message
    assert "health check fails" in unhealthy.message


def test_an_answer_to_us_lets_others_start_and_proves_nothing() -> None:
    judged = gate(window=0)
    for at in (0, 1):
        judged.look(observed=(STARTING,), at=at)
        assert judged.unanswered(["web"], observed=(STARTING,)) == (STARTING,)
        assert not judged.ready(["web"])
    judged.note_answer(run_of(STARTING))
    assert judged.look(observed=(STARTING,), at=2) is None
    assert judged.ready(["web"])
    assert not judged.passed(at=100)
    assert judged.unanswered(["web"], observed=(STARTING,)) == ()
    judged.look(observed=(HEALTHY,), at=101)
    assert judged.passed(at=101)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "exited"},
        {"health": "unhealthy"},
        # Of another run than the one that answered.
        {"restarts": 1},
        {"started_at": 9.0},
        {"image_id": "sha256:other"},
        {"deployment_id": "d0"},
    ],
)
def test_an_answer_counts_for_that_run_at_the_target_alone(changes: dict[str, object]) -> None:
    judged = gate(hasty=False)
    judged.note_answer(run_of(STARTING))
    judged.look(observed=(STARTING,), at=0)
    assert judged.ready(["web"])
    judged.look(observed=(replace(STARTING, **changes),), at=1)  # type: ignore[arg-type]
    assert not judged.ready(["web"])


def test_what_compose_may_still_replace_is_not_asked() -> None:
    judged = gate()
    judged.stale = {"c1": "web"}
    judged.note_answer(run_of(STARTING))
    judged.look(observed=(STARTING,), at=0)
    assert not judged.ready(["web"])
    assert judged.unanswered(["web"], observed=(STARTING,)) == ()
    assert judged.unanswered(["db"], observed=(STARTING,)) == ()
