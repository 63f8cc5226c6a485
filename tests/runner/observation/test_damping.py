"""What lasts is told, what changes back within a moment is not, and what never settles is told as it is."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.contracts import runner_pb2 as pb
from agents.runner.observation.damping import MAX_LOOKS, Damping
from agents.runner.observation.telling import Telling


def look(**states: str) -> dict[str, pb.ContainerSeen]:
    return {key: pb.ContainerSeen(id=key, state=state) for key, state in states.items()}


def told(damping: Damping) -> dict[str, str]:
    return {key: seen.state for key, seen in (damping.told or {}).items()}


def test_the_first_look_counts_at_once() -> None:
    damping = Damping()
    assert damping.take(look(a="running")) is False
    assert told(damping) == {"a": "running"}


def test_a_change_is_told_when_a_second_look_agrees() -> None:
    damping = Damping()
    damping.take(look(a="running"))
    assert damping.take(look(a="exited")) is True
    assert told(damping) == {"a": "running"}
    assert damping.take(look(a="exited")) is False
    assert told(damping) == {"a": "exited"}


def test_what_changes_back_is_never_told() -> None:
    damping = Damping()
    damping.take(look(a="running"))
    damping.take(look(a="exited"))
    assert damping.take(look(a="running")) is False
    assert told(damping) == {"a": "running"}


def test_one_that_comes_or_goes_has_to_last_as_well() -> None:
    damping = Damping()
    damping.take(look(a="running"))
    damping.take(look(b="running"))
    assert told(damping) == {"a": "running"}
    damping.take(look(b="running"))
    assert told(damping) == {"b": "running"}


def test_one_that_is_never_the_same_twice_is_told_as_it_is() -> None:
    damping = Damping()
    damping.take(look(a="0"))
    again = [damping.take(look(a=str(number))) for number in range(1, MAX_LOOKS + 1)]
    assert again[-1] is False
    assert told(damping) == {"a": str(MAX_LOOKS)}


LOOKS = st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["running", "exited", "paused"])), min_size=1)


@given(looks=LOOKS)
def test_after_any_looks_two_that_agree_tell_exactly_what_is_there(looks: list[dict[str, Any]]) -> None:
    damping = Damping()
    for states in looks:
        damping.take(look(**states))
    damping.take(look(**looks[-1]))
    damping.take(look(**looks[-1]))
    assert told(damping) == looks[-1]


@given(looks=LOOKS)
def test_a_gateway_that_takes_every_message_holds_what_the_agent_holds(looks: list[dict[str, Any]]) -> None:
    telling, held, number = Telling(), dict[str, str](), 0
    for states in looks:
        for message in telling.news(look(**states), at_ms=0):
            number += 1
            assert message.number == number
            held = {} if message.whole else held
            for gone in message.gone_ids:
                held.pop(gone, None)
            held |= {seen.id: seen.state for seen in message.containers}
        assert held == states
