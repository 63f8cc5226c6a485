"""Short notations become long ones, so that merging and reading meet one form of everything."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from stackgen.compose_import.complaints import refused
from stackgen.compose_import.tree import Tree

_PORT = re.compile(
    r"(?:(?P<ip>\[[0-9A-Fa-f:.]+\]|[0-9.]*|[0-9A-Fa-f:]*):)?(?:(?P<published>[0-9]+(?:-[0-9]+)?)?:)?"
    r"(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>[A-Za-z]+))?"
)
_TWO = re.compile(r"(?P<published>[0-9]+(?:-[0-9]+)?)?:(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>[A-Za-z]+))?")
_BAD_PORT = "is no port: [ADDRESS:]HOST:CONTAINER[/tcp|udp] is wanted"
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
# Paths in these begin at the file that names them; others are kept as the container sees them.
Directory = str


def canonical_service(service: Tree, directory: Directory) -> Tree:
    """Return the service with long notations, paths as seen from the project's folder. Raises ComposeInvalid."""
    members = dict(service.mapping)
    for key, change in _CHANGES.items():
        tree = members.get(key)
        if tree is not None and tree.tag != "reset" and tree.value is not None:
            members[key] = _tagged(change(tree, directory), tree)
    return service.made(members)


def _tagged(tree: Tree, like: Tree) -> Tree:
    return Tree(tree.value, tree.place, like.tag, tree.names, tree.unset)


def from_directory(path: str, directory: Directory) -> str:
    """Return a path as seen from the project's folder; absolute ones, `~` and addresses stay."""
    if not path or path.startswith(("/", "~")) or "://" in path or _WINDOWS_DRIVE.match(path):
        return path
    if re.match(r"[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:", path):
        return path
    return posixpath.normpath(posixpath.join(directory, path.replace("\\", "/")))


def pairs(tree: Tree, _directory: Directory = "") -> Tree:
    """Return `NAME=value` lists as a mapping; a name without a value has none."""
    if isinstance(tree.value, dict):
        return tree
    members: dict[str, Tree] = {}
    for item in tree.items:
        name, sign, value = item.text.partition("=")
        if not name.strip():
            raise refused(item.place, "names nothing: NAME=value is wanted")
        members[name] = item.made(value if sign else None)
    return tree.made(members)


def hosts(tree: Tree, _directory: Directory = "") -> Tree:
    """Return extra hosts as a mapping of a name to its addresses."""
    if isinstance(tree.value, dict):
        return tree.made({name: member.made(_as_items(member)) for name, member in tree.value.items()})
    members: dict[str, list[Tree]] = {}
    for item in tree.items:
        sign = "=" if "=" in item.text else ":"
        name, found, address = item.text.partition(sign)
        if not found:
            raise refused(item.place, "is no host: NAME=ADDRESS is wanted")
        members.setdefault(name, []).append(item.made(address.strip("[]")))
    return tree.made({name: addresses[0].made(list(addresses)) for name, addresses in members.items()})


def _as_items(tree: Tree) -> list[Tree]:
    return [Tree(item.value, item.place, "", item.names, item.unset) for item in tree.items]


def build(tree: Tree, directory: Directory) -> Tree:
    members = dict(tree.mapping) if isinstance(tree.value, dict) else {"context": tree}
    context = members.get("context")
    if context is not None:
        members["context"] = context.made(from_directory(context.text, directory))
    for key in ("args", "labels", "additional_contexts"):
        if key in members:
            members[key] = pairs(members[key])
    if "extra_hosts" in members:
        members["extra_hosts"] = hosts(members["extra_hosts"])
    if "secrets" in members:
        members["secrets"] = attachments(members["secrets"])
    return Tree(members, tree.place)


def attachments(tree: Tree, _directory: Directory = "") -> Tree:
    """Return configs or secrets of a service in the long notation."""
    return tree.made([item if item.mapping else item.with_members(source=item) for item in _list(tree)])


def dependencies(tree: Tree, _directory: Directory = "") -> Tree:
    if isinstance(tree.value, dict):
        return tree
    return tree.made({item.text: item.with_members(condition="service_started") for item in tree.items})


def joined_networks(tree: Tree, _directory: Directory = "") -> Tree:
    if isinstance(tree.value, dict):
        return tree
    return tree.made({item.text: item.made(None) for item in tree.items})


def env_files(tree: Tree, directory: Directory) -> Tree:
    files = []
    for item in _list(tree):
        path = item.get("path") if item.mapping else item
        if path is None or not path.text:
            raise refused(item.place, "names no file")
        files.append(item.made({**item.mapping, "path": path.made(from_directory(path.text, directory))}))
    return tree.made(list(files))


def ulimits(tree: Tree, _directory: Directory = "") -> Tree:
    members = {
        name: limit if limit.mapping else limit.with_members(soft=limit, hard=limit)
        for name, limit in tree.mapping.items()
    }
    return tree.made(members)


def ports(tree: Tree, _directory: Directory = "") -> Tree:
    return tree.made([item if item.mapping else _port(item) for item in _list(tree)])


def _port(item: Tree) -> Tree:
    text = item.text.strip()
    match = _TWO.fullmatch(text) or _PORT.fullmatch(text)
    if match is None:
        raise refused(item.place, _BAD_PORT)
    given = match.groupdict()
    return item.with_members(
        host_ip=(given.get("ip") or "").strip("[]") or None,
        published=given["published"],
        target=given["target"],
        protocol=(given["protocol"] or "tcp").lower(),
    )


def volumes(tree: Tree, directory: Directory) -> Tree:
    return tree.made(
        [_long_volume(item, directory) if item.mapping else _volume(item, directory) for item in _list(tree)]
    )


def _long_volume(item: Tree, directory: Directory) -> Tree:
    source = item.get("source")
    if item.at("type") != "bind" or source is None:
        return item
    return item.made({**item.mapping, "source": source.made(from_directory(source.text, directory))})


def _volume(item: Tree, directory: Directory) -> Tree:
    drive = _WINDOWS_DRIVE.match(item.text)
    parts = item.text[2 if drive else 0 :].split(":")
    if drive:
        parts[0] = item.text[:2] + parts[0]
    if len(parts) > 3 or not parts[-1]:
        raise refused(item.place, "is no volume: [SOURCE:]TARGET[:ro] is wanted")
    if len(parts) == 1:
        return item.with_members(type="volume", target=parts[0])
    source, target, options = parts[0], parts[1], parts[2].split(",") if len(parts) == 3 else []
    is_path = source.startswith((".", "/", "~")) or bool(drive) or "/" in source
    others = ",".join(option for option in options if option not in {"ro", "rw", "nocopy"})
    return item.with_members(
        type="bind" if is_path else "volume",
        source=from_directory(source, directory) if is_path else source,
        target=target,
        read_only=True if "ro" in options else None,
        nocopy=True if "nocopy" in options else None,
        options=others or None,
    )


def devices(tree: Tree, _directory: Directory = "") -> Tree:
    return tree.made([item if item.mapping else _device(item) for item in _list(tree)])


def _device(item: Tree) -> Tree:
    source, _, rest = item.text.partition(":")
    target, _, permissions = rest.partition(":")
    return item.with_members(source=source, target=target or source, permissions=permissions or None)


def extended(tree: Tree, directory: Directory) -> Tree:
    members = dict(tree.mapping) if tree.mapping else {"service": tree}
    if "file" in members:
        members["file"] = members["file"].made(from_directory(members["file"].text, directory))
    return tree.made(members)


def listed(tree: Tree, _directory: Directory = "") -> Tree:
    return tree.made(_list(tree))


def _list(tree: Tree) -> list[Tree]:
    if isinstance(tree.value, list):
        return tree.value
    if isinstance(tree.value, dict):
        raise refused(tree.place, "must be a list, not a mapping")
    return _as_items(tree)


_CHANGES: dict[str, Callable[[Tree, Directory], Tree]] = {
    "annotations": pairs,
    "build": build,
    "cap_add": listed,
    "cap_drop": listed,
    "configs": attachments,
    "depends_on": dependencies,
    "devices": devices,
    "dns": listed,
    "dns_opt": listed,
    "dns_search": listed,
    "env_file": env_files,
    "environment": pairs,
    "expose": listed,
    "extends": extended,
    "extra_hosts": hosts,
    "labels": pairs,
    "networks": joined_networks,
    "ports": ports,
    "secrets": attachments,
    "security_opt": listed,
    "sysctls": pairs,
    "tmpfs": listed,
    "ulimits": ulimits,
    "volumes": volumes,
}
