"""Who shares a network is who is joined by an edge, and no more networks than that takes."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from stackgen.parts.networks import cover, network_names

EDGES = st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda pair: pair[0] < pair[1]), max_size=21)


def named(pairs: set[tuple[int, int]]) -> set[tuple[str, str]]:
    return {(f"n{a}", f"n{b}") for a, b in pairs}


@given(EDGES)
def test_sharing_a_network_is_being_joined(pairs: set[tuple[int, int]]) -> None:
    names = [f"n{index}" for index in range(7)]
    groups = cover(names, named(pairs))
    sharing = {pair for group in groups for pair in combinations(sorted(group), 2)}
    assert sharing == named(pairs)
    assert set().union(*groups) == set(names)
    assert len(set(network_names(groups).values())) == len(groups)


@given(EDGES)
@settings(max_examples=60)
def test_no_cover_is_smaller(pairs: set[tuple[int, int]]) -> None:
    edges = named(pairs)
    groups = [group for group in cover([f"n{index}" for index in range(7)], edges) if len(group) > 1]
    assert not covered_by_fewer(edges, len(groups))


def covered_by_fewer(edges: set[tuple[str, str]], count: int) -> bool:
    """Tries every choice of fewer maximal groups."""
    names = sorted({name for edge in edges for name in edge})
    cliques = [
        set(combinations(group, 2))
        for size in range(2, len(names) + 1)
        for group in combinations(names, size)
        if set(combinations(group, 2)) <= edges
    ]
    largest = [clique for clique in cliques if not any(clique < other for other in cliques)]

    def search(left: set[tuple[str, str]], allowed: int) -> bool:
        if not left:
            return True
        if allowed == 0:
            return False
        edge = min(left)
        return any(search(left - clique, allowed - 1) for clique in largest if edge in clique)

    return count > 0 and search(edges, count - 1)


def test_a_triangle_is_one_network_and_a_path_two() -> None:
    assert cover("abc", [("a", "b"), ("b", "c"), ("c", "a")]) == (frozenset("abc"),)
    assert cover("abc", [("a", "b"), ("b", "c")]) == (frozenset("ab"), frozenset("bc"))


def test_whoever_is_joined_with_nobody_is_alone() -> None:
    assert cover("abc", [("a", "b")]) == (frozenset("ab"), frozenset("c"))


def test_long_names_are_cut_and_stay_apart() -> None:
    groups = [frozenset({"a" * 30, "b" * 30}), frozenset({"a" * 30, "c" * 30})]
    names = network_names(groups)
    assert len(set(names.values())) == 2
    assert all(len(name) <= 40 for name in names.values())
