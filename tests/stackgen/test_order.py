"""The callee starts before its caller."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackgen.parts.order import start_order


def test_branches_start_together_and_callers_last() -> None:
    order = start_order({"g": ("a", "b"), "a": ("db",), "b": (), "db": ()})
    assert order.level == {"db": 0, "b": 0, "a": 1, "g": 2}
    assert order.cycles == ()


def test_a_cycle_starts_together_and_is_named() -> None:
    order = start_order({"a": ("b", "db"), "b": ("c",), "c": ("a",), "db": (), "g": ("a",)})
    assert order.cycles == (("a", "b", "c", "a"),)
    assert order.level == {"db": 0, "a": 1, "b": 1, "c": 1, "g": 2}
    assert order.waits_for == {"a": ("db",), "b": (), "c": (), "db": (), "g": ("a",)}


def test_a_long_chain_needs_no_deep_stack() -> None:
    needs = {f"n{index}": (f"n{index + 1}",) for index in range(20_000)} | {"n20000": ()}
    assert start_order(needs).level["n0"] == 20_000


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_whoever_waits_is_on_a_higher_level_and_no_wait_is_lost_but_in_cycles(pairs: set[tuple[int, int]]) -> None:
    edges = {(str(a), str(b)) for a, b in pairs if a != b}
    needs = {str(name): tuple(sorted(b for a, b in edges if a == str(name))) for name in range(8)}
    order = start_order(needs)
    for caller, callee in edges:
        if callee in order.waits_for[caller]:
            assert order.level[callee] < order.level[caller]
        else:
            assert order.level[callee] == order.level[caller]
            assert reaches(edges, callee, caller)


def reaches(edges: set[tuple[str, str]], start: str, goal: str) -> bool:
    seen, todo = {start}, [start]
    while todo:
        here = todo.pop()
        found = {b for a, b in edges if a == here} - seen
        seen |= found
        todo.extend(found)
    return goal in seen
