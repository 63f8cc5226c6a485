"""Networks from edges: two services share a network exactly when an edge joins them.

Each network is a group in which everybody is joined with everybody, and together they hold every edge (a clique cover).
The fewest possible is a hard problem. Networks grow as far as they can, those that became superfluous go, and what can
be searched through is searched through. Graphs without triangles, which is most, need one network per edge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from stackgen.parts.clique_cover import improve
from stackgen.parts.names import short_hash

MAX_NAME_LENGTH = 40
Neighbours = Mapping[str, set[str]]
Pair = tuple[str, str]


def cover(names: Iterable[str], edges: Iterable[Pair]) -> tuple[frozenset[str], ...]:
    """Return the groups. A name without edges is one alone: on Compose's default network it would meet others."""
    neighbours: dict[str, set[str]] = {name: set() for name in names}
    for one, other in edges:
        neighbours[one].add(other)
        neighbours[other].add(one)
    pairs = sorted({(min(pair), max(pair)) for pair in edges_of(neighbours)})
    groups = []
    for part in _connected(pairs, neighbours):
        groups += improve(_needed(_grow_all(part, neighbours)), neighbours)
    alone = [frozenset({name}) for name in neighbours if not neighbours[name]]
    return tuple(sorted([*groups, *alone], key=sorted))


def edges_of(neighbours: Neighbours) -> Iterable[Pair]:
    return ((name, other) for name, others in neighbours.items() for other in others if name < other)


def _connected(pairs: list[Pair], neighbours: Neighbours) -> Iterable[list[Pair]]:
    """Return the edges of each connected part of the graph, sorted."""
    part_of: dict[str, int] = {}
    parts: list[list[Pair]] = []
    for pair in pairs:
        if pair[0] not in part_of:
            todo = [pair[0]]
            while todo:
                name = todo.pop()
                if name not in part_of:
                    part_of[name] = len(parts)
                    todo.extend(neighbours[name])
            parts.append([])
        parts[part_of[pair[0]]].append(pair)
    return parts


def _grow_all(pairs: list[Pair], neighbours: Neighbours) -> list[frozenset[str]]:
    uncovered = set(pairs)
    groups = []
    for pair in pairs:
        if pair in uncovered:
            group = _grow(pair, neighbours, uncovered)
            uncovered.difference_update(pairs_of(group))
            groups.append(frozenset(group))
    return groups


def _grow(pair: Pair, neighbours: Neighbours, uncovered: set[Pair]) -> set[str]:
    """Add, one by one, the name that brings the most edges without a network yet."""
    group = set(pair)
    candidates = neighbours[pair[0]] & neighbours[pair[1]]
    while candidates:
        best = min(candidates, key=lambda name: (-_gain(name, group, uncovered), name))
        if _gain(best, group, uncovered) == 0:
            break
        group.add(best)
        candidates &= neighbours[best]
    return group


def _gain(name: str, group: set[str], uncovered: set[Pair]) -> int:
    return sum((min(name, member), max(name, member)) in uncovered for member in group)


def pairs_of(group: Iterable[str]) -> list[Pair]:
    members = sorted(group)
    return [(one, other) for index, one in enumerate(members) for other in members[index + 1 :]]


def _needed(groups: list[frozenset[str]]) -> list[frozenset[str]]:
    """Return the groups without those whose every edge lies in another one too, smallest first."""
    held = Counter(pair for group in groups for pair in pairs_of(group))
    needed = []
    for group in sorted(groups, key=lambda group: (len(group), sorted(group))):
        pairs = pairs_of(group)
        if all(held[pair] > 1 for pair in pairs):
            held.subtract(pairs)
        else:
            needed.append(group)
    return needed


def network_names(groups: Iterable[frozenset[str]]) -> dict[frozenset[str], str]:
    """Return a name for each group, made of its members: it stays whatever happens elsewhere in the graph."""
    names: dict[frozenset[str], str] = {}
    taken: set[str] = set()
    for group in groups:
        name = "-".join(sorted(group))
        if len(name) > MAX_NAME_LENGTH or name in taken:
            name = f"{min(group)[:24].rstrip('-')}-net-{short_hash(' '.join(sorted(group)), 8)}"
        taken.add(name)
        names[group] = name
    return names
