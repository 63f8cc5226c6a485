"""Looks for a smaller clique cover than a given one, by trying, for as many steps as it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Pair = tuple[str, str]
MAX_EDGES = 45
MAX_STEPS = 3_000


def improve(groups: list[frozenset[str]], neighbours: Mapping[str, set[str]]) -> list[frozenset[str]]:
    """Return the same number of groups or fewer. Leaves large graphs, and those without triangles, as they are."""
    edges = {pair for group in groups for pair in _pairs(group)}
    if len(edges) > MAX_EDGES or all(len(group) == 2 for group in groups):
        return groups
    search = _Search(edges, neighbours)
    best = groups
    while smaller := search.with_at_most(len(best) - 1):
        best = smaller
    return best


class _Search:
    def __init__(self, edges: set[Pair], neighbours: Mapping[str, set[str]]) -> None:
        self.edges = edges
        self.steps = MAX_STEPS
        largest = sorted(_maximal(set(), {name for edge in edges for name in edge}, set(), neighbours), key=sorted)
        self.choices = {edge: [group for group in largest if group.issuperset(edge)] for edge in edges}

    def with_at_most(self, count: int) -> list[frozenset[str]]:
        """Return a cover of this many groups; empty when there is none, or none was found in time."""
        return self._cover(self.edges, count) or []

    def _cover(self, left: set[Pair], count: int) -> list[frozenset[str]] | None:
        if not left:
            return []
        self.steps -= 1
        if count <= 0 or self.steps < 0:
            return None
        # The edge with the fewest choices first: a wrong turn shows soonest there.
        edge = min(left, key=lambda edge: (len(self.choices[edge]), edge))
        for group in self.choices[edge]:
            rest = self._cover(left.difference(_pairs(group)), count - 1)
            if rest is not None:
                return [group, *rest]
        return None


def _maximal(
    chosen: set[str], candidates: set[str], done: set[str], neighbours: Mapping[str, set[str]]
) -> Iterator[frozenset[str]]:
    """Yield, after Bron and Kerbosch, every group in which all are joined and to which nobody can be added."""
    if not candidates and not done:
        yield frozenset(chosen)
    pivot = max(sorted(candidates | done), key=lambda name: len(neighbours[name] & candidates), default="")
    for name in sorted(candidates - neighbours.get(pivot, set())):
        yield from _maximal(chosen | {name}, candidates & neighbours[name], done & neighbours[name], neighbours)
        candidates = candidates - {name}
        done = done | {name}


def _pairs(group: frozenset[str]) -> list[Pair]:
    members = sorted(group)
    return [(one, other) for index, one in enumerate(members) for other in members[index + 1 :]]
