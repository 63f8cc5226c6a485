"""What proves a stack in a Swarm, and what fails it: tasks, joined with the state of their nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.runner.commands.swarm.swarm_model import Seen, StackTarget, SwarmNode, SwarmService, SwarmTask
from agents.runner.commands.swarm.swarm_reading import node_of
from agents.runner.commands.swarm.task_gate import UNPLACED_SECONDS, TaskGate, difference_from
from agents.runner.commands.swarm.watch_clock import MOST_BETWEEN_LOOKS, WatchClock
from agents.runner.planning.inspected import reference_of
from agents.runner.planning.model import WantedService

IMAGE = "sha256:" + "a" * 64
WEB = SwarmService(id="s1", name="web", full_name="x_web", image=IMAGE)
WANTED = WantedService(name="web", image="web:1", replicas=2)
TARGET = StackTarget(services=(WANTED,), owners={"web": "d2"}, images={"web": IMAGE})
UP = SwarmTask(id="t1", service_id="s1", state="running", wanted=True, image=IMAGE, owner="d2", node_id="n1")
TWO = (UP, replace(UP, id="t2", node_id="n2"))
NODES = {f"n{number}": SwarmNode(id=f"n{number}", name=f"server-{number}", is_ready=True) for number in (1, 2, 3)}
DOWN = {**NODES, "n2": replace(NODES["n2"], is_ready=False)}


def seen(*tasks: SwarmTask, service: SwarmService = WEB, down: bool = False) -> Seen:
    return Seen(services=(service,), tasks=tasks, nodes=DOWN if down else NODES)


def gate(*, window: float = 5, deadline: float = 60) -> TaskGate:
    return TaskGate(target=TARGET, deadline=deadline, window=window, fresh=frozenset({"web"}))


def test_it_passes_once_all_have_run_for_the_window() -> None:
    judge = gate()
    assert judge.look(seen=seen(UP), at=0) is None
    assert judge.look(seen=seen(*TWO), at=3) is None
    assert not judge.passed(seen=seen(*TWO), at=7)
    assert judge.passed(seen=seen(*TWO), at=8)


@pytest.mark.parametrize(
    "what",
    [
        seen(*TWO, down=True),
        seen(UP, replace(TWO[1], owner="d1")),
        seen(UP, replace(TWO[1], image="sha256:" + "b" * 64)),
        seen(UP, replace(TWO[1], state="starting")),
        seen(*TWO, replace(UP, id="t0", owner="d1")),
        seen(*TWO, service=replace(WEB, update_state="paused")),
        Seen(services=(WEB, replace(WEB, id="s2", name="old")), tasks=TWO, nodes=NODES),
    ],
    ids=["node down", "former file", "other image", "starting", "a former one left", "paused", "a service too many"],
)
def test_what_is_not_as_wanted_does_not_pass(what: Seen) -> None:
    judge = gate(window=0)
    assert judge.look(seen=what, at=0) is None
    assert not judge.passed(seen=what, at=100)
    assert difference_from(target=TARGET, seen=what)
    assert not difference_from(target=TARGET, seen=seen(*TWO))


def test_what_cannot_be_placed_fails_with_swarms_words_and_the_nodes_that_are_down() -> None:
    waits = replace(UP, id="t3", state="pending", node_id="", error="no suitable node (insufficient memory on 2 nodes)")
    judge = gate()
    assert judge.look(seen=seen(UP, waits, down=True), at=0) is None
    failure = judge.look(seen=seen(UP, waits, down=True), at=UNPLACED_SECONDS)
    assert failure is not None
    assert failure.message == (
        "web cannot be placed: no suitable node (insufficient memory on 2 nodes). The node server-2 is down."
    )


def test_what_passes_by_itself_in_time_is_no_failure() -> None:
    judge = gate()
    waits = replace(UP, id="t3", state="pending", node_id="", error="no suitable node (port in use)")
    assert judge.look(seen=seen(UP, waits), at=0) is None
    assert judge.look(seen=seen(*TWO), at=UNPLACED_SECONDS - 1) is None
    assert judge.look(seen=seen(UP, waits), at=UNPLACED_SECONDS + 1) is None


def test_failures_are_named_by_node_and_reason() -> None:
    judge = gate()
    assert judge.look(seen=seen(UP), at=0) is None
    sick = replace(UP, id="t4", state="failed", wanted=False, node_id="n3", error="unhealthy container")
    failure = judge.look(seen=seen(UP, sick), at=1)
    assert failure is not None
    assert (failure.message, failure.task_id) == (
        "web runs, but its health check fails on server-3 (unhealthy container).",
        "t4",
    )
    missing = [replace(sick, id=f"m{number}", state="rejected", error="No such image: x") for number in range(3)]
    failure = gate().look(seen=seen(UP), at=0)
    judge = gate()
    judge.look(seen=seen(UP), at=0)
    assert judge.look(seen=seen(UP, *missing[:2]), at=1) is None
    failure = judge.look(seen=seen(UP, *missing), at=2)
    assert failure is not None
    assert failure.reason == "image"


def test_what_is_forgiven_counts_no_more() -> None:
    missing = [
        replace(UP, id=f"m{number}", state="rejected", wanted=False, error="No such image: x") for number in range(6)
    ]
    judge = gate(deadline=10)
    judge.look(seen=seen(UP), at=0)
    failure = judge.look(seen=seen(UP, *missing[:3]), at=9)
    assert failure is not None
    assert failure.reason == "image"
    judge.forgive(service="web", seen=seen(UP, *missing[:3]))
    assert judge.look(seen=seen(UP, *missing[:5]), at=18) is None
    assert judge.look(seen=seen(UP, *missing), at=18.5) is not None


def test_failures_from_before_do_not_count_and_the_deadline_does() -> None:
    old = [replace(UP, id=f"o{number}", state="failed", wanted=False, error="old") for number in range(5)]
    judge = gate(deadline=10)
    assert judge.look(seen=seen(UP, *old), at=0) is None
    assert judge.look(seen=seen(UP, *old), at=9) is None
    failure = judge.look(seen=seen(UP, *old), at=10)
    assert failure is not None
    assert failure.message == "web has 1 of 2 tasks running and healthy after 10 s."


@pytest.mark.parametrize(
    ("task", "waits"),
    [
        ({"state": "rejected", "error": "no space left on device"}, True),
        ({"state": "failed", "error": "starting container failed: no space left on device"}, True),
        ({"state": "rejected", "error": "No such image: x"}, False),
        ({"state": "failed", "error": "task: non-zero exit (3)"}, False),
    ],
    ids=["rejected", "not started", "no image", "a program that fails"],
)
def test_on_the_way_back_a_node_that_cannot_start_a_task_is_no_end(task: dict[str, str], waits: bool) -> None:
    paused = replace(WEB, update_state="paused")
    ended = replace(TWO[1], wanted=False, **task)  # type: ignore[arg-type]
    for patient in (True, False):
        judge = TaskGate(target=TARGET, deadline=20, window=0, fresh=frozenset(), patient=patient)
        judge.look(seen=seen(UP), at=0)
        now = seen(UP, ended, service=paused)
        assert (judge.look(seen=now, at=1) is None) is (patient and waits)
        # Swarm has paused its update for it, and is made go on once for each.
        assert judge.take_stuck(seen=now) is (patient and waits)
        assert not judge.take_stuck(seen=now)
        failure = judge.look(seen=now, at=20)
        assert failure is not None
        assert "on server-2 (" in failure.message


def test_a_node_that_still_lets_go_of_a_network_has_until_the_deadline() -> None:
    paused = replace(WEB, update_state="paused")
    refused = [
        replace(
            UP,
            id=f"t{number}",
            wanted=False,
            state="rejected",
            error="Pool overlaps with other one on this address space",
        )
        for number in range(3, 8)
    ]
    judge = gate(deadline=20)
    assert judge.look(seen=seen(UP), at=0) is None
    assert judge.look(seen=seen(UP, *refused, service=paused), at=1) is None
    assert judge.take_stuck(seen=seen(UP, *refused, service=paused))
    failure = judge.look(seen=seen(UP, *refused), at=20)
    assert failure is not None
    assert "Pool overlaps" in failure.message
    # What ends for another reason counts by itself, and as it always does.
    judge = gate(deadline=20)
    judge.look(seen=seen(UP), at=0)
    crashed = replace(UP, id="t9", wanted=False, state="failed", exit_code=1, changed_at=9.0)
    assert judge.look(seen=seen(UP, *refused, crashed), at=1) is None
    assert judge.look(seen=seen(UP, *refused, crashed, service=paused), at=2) is not None


def test_a_node_that_is_lost_gives_all_its_time_once_more_and_is_told_once() -> None:
    judge = gate(deadline=20)
    begins = replace(TWO[1], state="assigned")
    assert judge.look(seen=seen(UP, begins), at=0) is None
    assert judge.take_lost(seen=seen(UP, begins)) == []
    # Missed by the Swarm 15 seconds after its cable was cut.
    assert judge.look(seen=seen(UP, begins, down=True), at=15) is None
    assert judge.take_lost(seen=seen(UP, begins, down=True)) == ["server-2"]
    assert judge.take_lost(seen=seen(UP, begins, down=True)) == []
    assert judge.look(seen=seen(UP, begins, down=True), at=34) is None
    assert judge.look(seen=seen(UP, begins, down=True), at=35) is not None
    # One that comes and goes gets no time for it.
    judge = gate(deadline=20)
    for at, down in ((0, False), (5, True), (10, False), (15, True), (24, False)):
        assert judge.look(seen=seen(UP, begins, down=down), at=at) is None
    assert judge.look(seen=seen(UP, begins, down=True), at=25) is not None


def test_a_node_that_was_down_before_gives_nobody_more_time() -> None:
    judge = gate(deadline=20)
    assert judge.look(seen=seen(UP, down=True), at=0) is None
    assert judge.take_lost(seen=seen(UP, down=True)) == []
    assert judge.look(seen=seen(UP, down=True), at=20) is not None


@pytest.mark.parametrize(
    ("task", "down", "stuck"),
    [
        ({"state": "assigned", "wanted": False}, True, True),
        ({"state": "starting", "wanted": False}, True, True),
        ({"state": "starting", "wanted": False}, False, False),
        ({"state": "assigned", "wanted": True}, True, False),
        ({"state": "running", "wanted": False}, True, False),
        ({"state": "assigned", "wanted": False, "owner": "d1"}, True, False),
    ],
    ids=["never ran", "was starting", "on a node that is there", "not given up yet", "had come up", "of a former file"],
)
def test_swarm_waits_for_ever_for_what_never_ran_on_a_lost_node(
    task: dict[str, object], down: bool, stuck: bool
) -> None:
    judge = gate()
    now = seen(UP, replace(TWO[1], **task), down=down)  # type: ignore[arg-type]
    judge.look(seen=now, at=0)
    assert judge.take_stuck(seen=now) is stuck
    assert not judge.take_stuck(seen=now), "each task is told once"


def test_time_stands_still_without_a_leader_and_until_the_new_one_has_heard_from_all() -> None:
    times = iter([100.0, 101.0, 131.0, 133.0, 150.0, 152.0])
    clock = WatchClock(lambda: next(times))
    unheard = Seen(services=(), tasks=(), nodes={**NODES, "n3": replace(NODES["n3"], is_ready=False, is_heard=False)})
    assert clock.at(seen=seen()) == 1
    assert clock.at(seen=seen()) == 1 + MOST_BETWEEN_LOOKS
    assert clock.at(seen=unheard) == 6
    assert clock.at(seen=unheard) == 6
    assert clock.at(seen=seen()) == 8


def test_a_node_that_a_new_leader_has_not_heard_yet_is_neither_up_nor_lost() -> None:
    node = node_of({"ID": "n1", "Spec": {"Availability": "active"}, "Status": {"State": "unknown"}})
    assert (node.is_ready, node.is_lost) == (False, False)
    down = node_of({"ID": "n1", "Spec": {}, "Status": {"State": "down"}})
    assert (down.is_ready, down.is_lost) == (False, True)


@pytest.mark.parametrize(
    ("image", "known", "reference"),
    [
        ("nginx:1.27", ["nginx@sha256:aa"], "nginx:1.27@sha256:aa"),
        ("docker.io/library/nginx:1.27", ["nginx@sha256:aa"], "docker.io/library/nginx:1.27@sha256:aa"),
        ("host:5000/web", ["other@sha256:bb", "host:5000/web@sha256:aa"], "host:5000/web@sha256:aa"),
        ("mine:1", [], IMAGE),
        ("mine:1", ["theirs@sha256:bb"], IMAGE),
    ],
)
def test_an_image_is_known_by_its_registrys_digest_or_else_its_id(image: str, known: list[str], reference: str) -> None:
    assert reference_of(image, known=known, image_id=IMAGE) == reference
