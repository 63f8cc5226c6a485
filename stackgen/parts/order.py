"""Who starts when: the target of an edge before its source. Cycles start together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`level` 0 starts first. `waits_for` leaves out the same cycle. `cycles` are walks, first name twice."""

    level: Mapping[str, int]
    waits_for: Names
    cycles: tuple[tuple[str, ...], ...]


def start_order(needs: Names) -> Order:
    """Return who starts when, in linear time. `needs` has each name with the names it needs, which it has, too."""
    groups = _cycles_first(needs)
    group_of = {name: index for index, group in enumerate(groups) for name in group}
    waits_for = {
        name: tuple(need for need in needed if group_of[need] != group_of[name]) for name, needed in needs.items()
    }
    level: dict[str, int] = {}
    for group in groups:
        here = max((level[need] + 1 for name in group for need in waits_for[name]), default=0)
        level.update(dict.fromkeys(group, here))
    cycles = tuple(_walk(needs, set(group)) for group in groups if len(group) > 1)
    return Order(level=level, waits_for=waits_for, cycles=tuple(sorted(cycles)))


def _cycles_first(needs: Names) -> list[list[str]]:
    """Return Tarjan's strongly connected components, without recursion: a group comes after all groups it needs."""
    search = _Search()
    for name in needs:
        if name not in search.seen_at:
            search.explore(name, needs)
    return search.groups


class _Search:
    def __init__(self) -> None:
        self.seen_at: dict[str, int] = {}
        self.lowest: dict[str, int] = {}
        self.open: list[str] = []
        self.is_open: set[str] = set()
        self.groups: list[list[str]] = []

    def explore(self, start: str, needs: Names) -> None:
        self._enter(start)
        path = [(start, iter(needs[start]))]
        while path:
            name, rest = path[-1]
            need = next(rest, None)
            if need is None:
                path.pop()
                self._leave(name, parent=path[-1][0] if path else None)
            elif need not in self.seen_at:
                self._enter(need)
                path.append((need, iter(needs[need])))
            elif need in self.is_open:
                self.lowest[name] = min(self.lowest[name], self.seen_at[need])

    def _enter(self, name: str) -> None:
        self.seen_at[name] = self.lowest[name] = len(self.seen_at)
        self.open.append(name)
        self.is_open.add(name)

    def _leave(self, name: str, *, parent: str | None) -> None:
        if self.lowest[name] == self.seen_at[name]:
            group = [self.open.pop()]
            while group[-1] != name:
                group.append(self.open.pop())
            self.is_open.difference_update(group)
            self.groups.append(sorted(group))
        if parent is not None:
            self.lowest[parent] = min(self.lowest[parent], self.lowest[name])


def _walk(needs: Names, group: Iterable[str]) -> tuple[str, ...]:
    """Return a shortest way around the cycle from its first name, for people to see which edge to cut."""
    members = set(group)
    start = min(members)
    came_from: dict[str, str] = {}
    queue = [start]
    for name in queue:
        for need in sorted(need for need in needs[name] if need in members):
            if need == start:
                walk = [name]
                while walk[-1] != start:
                    walk.append(came_from[walk[-1]])
                return (*reversed(walk), start)
            if need not in came_from:
                came_from[need] = name
                queue.append(need)
    raise AssertionError("a cycle leads back to each of its names")
