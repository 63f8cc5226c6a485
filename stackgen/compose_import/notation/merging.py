"""Several files become one, as the Compose specification says: the later one adds, changes, resets or overrides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stackgen.compose_import.tree import Place, Tree, leaves_of

# The value as a whole is replaced: a command is no sum of two commands.
_REPLACED = frozenset({"command", "entrypoint", "test"})


@dataclass(slots=True)
class Merge:
    """Merges trees; `replaced` remembers each leaf that gave way, and to what."""

    replaced: list[tuple[Place, Place]] = field(default_factory=list)

    def both(self, base: Tree, other: Tree, path: tuple[str, ...] = ()) -> Tree:
        """Return `other` over `base`."""
        if other.tag in {"reset", "override"}:
            self._gone(base, other.place)
            return other
        if other.value is None:
            return base
        if isinstance(base.value, dict) and isinstance(other.value, dict):
            if _other_logging(base, other, path):
                self._gone(base, other.place)
                return other
            return self._members(base, other, path)
        if isinstance(base.value, list) and isinstance(other.value, list) and path[-1:] and path[-1] not in _REPLACED:
            return self._lists(base, other, path)
        self._gone(base, other.place)
        return other

    def _members(self, base: Tree, other: Tree, path: tuple[str, ...]) -> Tree:
        members = dict(base.mapping)
        for key, member in other.mapping.items():
            present = members.get(key)
            if present is None or present.value is None:
                members[key] = member
            else:
                members[key] = self.both(present, member, (*path, key))
        return other.made(members)

    def _lists(self, base: Tree, other: Tree, path: tuple[str, ...]) -> Tree:
        key = _KEYS.get(path[-1], _scalar_key) if _is_of_service(path) else _scalar_key
        items: dict[object, Tree] = {}
        for index, item in enumerate([*base.items, *other.items]):
            name = key(item) or index
            if name in items:
                self._gone(items[name], item.place)
            items[name] = item
        return other.made(list(items.values()))

    def _gone(self, base: Tree, place: Place) -> None:
        self.replaced.extend((leaf.place, place) for leaf in leaves_of(base) if leaf.place != place)


def without_resets(tree: Tree, removed: list[Place]) -> Tree:
    """Return the tree without what a `!reset` took away; their places go to `removed`."""
    if isinstance(tree.value, dict):
        kept = {}
        for key, member in tree.value.items():
            if member.tag == "reset":
                removed.append(member.place)
            else:
                kept[key] = without_resets(member, removed)
        return tree.made(kept)
    if isinstance(tree.value, list):
        removed.extend(item.place for item in tree.value if item.tag == "reset")
        return tree.made([without_resets(item, removed) for item in tree.value if item.tag != "reset"])
    return tree


def _is_of_service(path: tuple[str, ...]) -> bool:
    return len(path) == 3 and path[0] == "services"


def _other_logging(base: Tree, other: Tree, path: tuple[str, ...]) -> bool:
    """Options of one logging driver mean nothing to another."""
    drivers = base.at("driver"), other.at("driver")
    return _is_of_service(path) and path[-1] == "logging" and all(drivers) and drivers[0] != drivers[1]


def _scalar_key(item: Tree) -> object:
    return ("text", item.text) if item.is_scalar else None


def _port_key(item: Tree) -> object:
    return (item.at("host_ip"), item.at("published"), item.at("target"), item.at("protocol") or "tcp")


def _by(*names: str) -> Callable[[Tree], object]:
    def key(item: Tree) -> object:
        return next((text for name in names if (text := item.at(name))), None)

    return key


_KEYS: dict[str, Callable[[Tree], object]] = {
    "ports": _port_key,
    "volumes": _by("target"),
    "devices": _by("target"),
    "secrets": _by("target", "source"),
    "configs": _by("target", "source"),
    "env_file": _by("path"),
}
