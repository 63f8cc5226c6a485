"""Volumes and mounts that a service finds in its container."""

from __future__ import annotations

import posixpath
import re

from stackgen.compose_import.becoming.attaching import mount_file, octal
from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.becoming.stores import NotAStore
from stackgen.compose_import.notation.opened import MAX_FILES_OF_FOLDER
from stackgen.compose_import.tree import Tree
from stackgen.databases.known import KINDS
from stackgen.databases.places import place_of
from stackgen.graph.raw import MAX_CONFIG_VALUE

MAX_MOUNTED_FILES = 50
_OPTIONS = {
    "z",
    "Z",
    "cached",
    "delegated",
    "consistent",
    "rw",
    "rprivate",
    "private",
    "rshared",
    "shared",
    "rslave",
    "slave",
}


def take_volumes(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        kind, target = item.at("type") or "volume", item.at("target")
        if not target:
            node.lost(item, "names no place in the container")
        elif kind == "volume":
            _volume(draft, node, item, posixpath.normpath(target))
        elif kind == "bind":
            _bind(draft, node, item, posixpath.normpath(target))
        elif kind == "tmpfs":
            options = item.get("tmpfs")
            mode = octal(options.get("mode")) if options is not None else ""
            mount_tmpfs(node, item, target, item.at("tmpfs", "size"), mode)
        else:
            node.lost(item, f"a mount of the kind {kind!r} is not known here")


def take_tmpfs(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        path, _, options = item.text.partition(":")
        given = dict(part.partition("=")[::2] for part in options.split(",") if part)
        mount_tmpfs(node, item, path, given.pop("size", ""), given.pop("mode", ""))
        if given:
            node.lost(item, f"of tmpfs {path} the options {', '.join(sorted(given))}")


def mount_tmpfs(node: NodeDraft, item: Tree, path: str, size: str, mode: str) -> None:
    written = ",".join(part for part in (_amount(size), f"mode={mode}" if mode else "") if part)
    node.set(f"tmpfs.{path}", written, item, f"tmpfs.{path}: in memory")


def _amount(size: str) -> str:
    if not size.isdigit():
        return size
    number = int(size)
    unit = next((unit for unit, factor in (("M", 1024**2), ("K", 1024)) if number % factor == 0), "")
    return f"{number // {'M': 1024**2, 'K': 1024, '': 1}[unit]}{unit}"


def _volume(draft: Draft, node: NodeDraft, item: Tree, target: str) -> None:
    source, suffix = item.at("source"), ":ro" if item.at("read_only") == "true" else ""
    _say_options(node, item)
    if node.name in draft.stores and _is_data(draft, node, item, target, source):
        return
    if not source:
        _anonymous(draft, node, item, target)
        return
    draft.used.add(("volumes", source))
    key = f"sharedVolume.{volume_key(source)}" if draft.users_of_volumes[source] > 1 else f"volume.{volume_key(source)}"
    value = f"{target}{suffix}"
    if node.config.get(key, value) != value:
        key = f"sharedVolume.{volume_key(source)}"
        if key in node.config:
            node.lost(item, f"{source} is mounted at {node.config[key]} already; a second place of one volume")
            return
    if node.set(key, value, item, _with_old_place(draft, source, f"{key} = {value}")):
        _keep_name(draft, node, item, source, key.partition(".")[2])


def present_name(draft: Draft, source: str) -> str:
    """Return what a volume of the file is called on a host."""
    volume = draft.project.section("volumes").get(source)
    return (volume.at("name") if volume is not None else "") or f"{draft.project.name or 'PROJECT'}_{source}"


def _keep_name(draft: Draft, node: NodeDraft, item: Tree, source: str, name: str) -> None:
    if draft.in_place:
        present = present_name(draft, source)
        node.set(f"volumeName.{name}", present, item, f"volumeName.{name} = {present}: its data stays where it is")


def refuse_other_place(service: Tree, kind: str) -> None:
    """Raise NotAStore where data that stays in its volume would not lie where a node of this kind looks for it."""
    place = place_of(KINDS[kind], image=service.at("image"), version=None)
    expected = {volume.path for volume in place.volumes}
    volumes = service.get("volumes")
    mounted = {posixpath.normpath(item.at("target")) for item in (volumes.items if volumes is not None else [])}
    if expected - mounted:
        raise NotAStore(f"its data lies elsewhere than a {kind} node's, at {', '.join(sorted(mounted)) or 'no volume'}")


def refuse_path_around(service: Tree, kind: str) -> None:
    """Raise NotAStore where a path of the host holds the data of this kind and more, or only a part of it."""
    place = place_of(KINDS[kind], image=service.at("image"), version=None)
    volumes = service.get("volumes")
    for item in volumes.items if volumes is not None else ():
        target = posixpath.normpath(item.at("target") or "/")
        if item.at("type") == "bind" and item.at("source").startswith("/"):
            for path in (volume.path for volume in place.volumes if volume.path != target):
                if _within(path, target) or _within(target, path):
                    raise NotAStore(f"{item.at('source')} of the host is mounted at {target}, and its data is {path}")


def _with_old_place(draft: Draft, source: str, said: str) -> str:
    if draft.in_place:
        return said
    old = present_name(draft, source)
    return f"{said}; data of a stack that runs already lies in the volume {old}: copy it before the first deployment"


def _is_data(draft: Draft, node: NodeDraft, item: Tree, target: str, source: str) -> bool:
    """Say that the node has a volume for its data itself, where this mount is that; False for any other mount."""
    store = draft.stores[node.name]
    place = place_of(KINDS[store.kind], image=node.service.at("image"), version=None)
    paths = [volume.path for volume in place.volumes]
    near = [path for path in paths if path == target or path.startswith(f"{target}/") or target.startswith(f"{path}/")]
    if not near:
        return False
    draft.used.add(("volumes", source))
    said = f"the volume that the database node has for its data, at {near[0]}"
    if source:
        said = _with_old_place(draft, source, said)
    node.became(item, said)
    own = next((volume.name for volume in place.volumes if volume.path == target), "")
    if source and own:
        _keep_name(draft, node, item, source, own)
    return True


def _anonymous(draft: Draft, node: NodeDraft, item: Tree, target: str) -> None:
    if any(_is_code(draft, node, other) and _within(target, other.at("target")) for other in _mounts(node)):
        node.better(item, "not needed: it only kept a mount of the code from hiding this folder of the image")
        return
    key = f"volume.{volume_key(target)}"
    node.set(key, target, item, f"{key}: a volume with a name, which stays when the container goes")


def volume_key(text: str) -> str:
    """Return a name for a volume as the language of nodes takes it."""
    plain = re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-._")[:40].strip("-._")
    return plain or "data"


def _say_options(node: NodeDraft, item: Tree) -> None:
    options = item.get("volume")
    for name, member in options.mapping.items() if options is not None else ():
        node.lost(member, f"the option {name} of a volume")
    if item.at("nocopy"):
        node.lost(item, "nocopy: a new volume begins with what the image has there")
    if unknown := [option for option in item.at("options").split(",") if option and option not in _OPTIONS]:
        node.lost(item, f"the option {', '.join(unknown)} of a volume")


def _mounts(node: NodeDraft) -> list[Tree]:
    volumes = node.service.get("volumes")
    return volumes.items if volumes is not None else []


def _within(path: str, folder: str) -> bool:
    return bool(folder) and f"{posixpath.normpath(path)}/".startswith(f"{posixpath.normpath(folder).rstrip('/')}/")


def _is_code(draft: Draft, node: NodeDraft, item: Tree) -> bool:
    """Return whether a mount only brings code in that the image has anyway, as people do while they write it."""
    context = node.service.at("build", "context")
    source = item.at("source")
    if item.at("type") != "bind" or not context or source.startswith(("/", "~")):
        return False
    return _within(source, context) or context == "." or (draft.files.below(source) is None and source == context)


def _bind(draft: Draft, node: NodeDraft, item: Tree, target: str) -> None:
    source, suffix = item.at("source"), ":ro" if item.at("read_only") == "true" else ""
    _say_options(node, item)
    bind = item.get("bind")
    for name, member in bind.mapping.items() if bind is not None else ():
        node.lost(member, f"the option {name} of a mount")
    if source.startswith("/"):
        _host_path(node, item, source, target, suffix)
    elif _is_code(draft, node, item):
        node.better(item, "the code is in the image: a change of it is a deployment")
    elif (content := draft.files.read(source)) is not None:
        mount_file(node, item, target, content)
    elif (found := draft.files.below(source)) is not None:
        _folder(draft, node, item, target, found)
    else:
        _missing(draft, node, item, source, target)


def _host_path(node: NodeDraft, item: Tree, source: str, target: str, suffix: str) -> None:
    value = f"{source}{suffix}"
    if node.set(f"hostPath.{target}", value, item, f"hostPath.{target} = {value}"):
        node.needed(item, f"{source} is a path of the host: the server's owner must allow it")


def _folder(draft: Draft, node: NodeDraft, item: Tree, target: str, found: tuple[str, ...]) -> None:
    contents = {name: draft.files.read(posixpath.join(item.at("source"), name)) for name in found[:MAX_MOUNTED_FILES]}
    fits = len(found) <= min(MAX_MOUNTED_FILES, MAX_FILES_OF_FOLDER) and all(map(_is_small_text, contents.values()))
    if fits and node.name not in draft.stores:
        for name, content in contents.items():
            mount_file(
                node, item, posixpath.join(target, name), content or b"", said=f"file.{posixpath.join(target, name)}"
            )
        return
    _as_volume(draft, node, item, item.at("source"), target, "its files are too many, too large or no texts")


def _is_small_text(content: bytes | None) -> bool:
    if content is None or len(content) > MAX_CONFIG_VALUE or b"\0" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _missing(draft: Draft, node: NodeDraft, item: Tree, source: str, target: str) -> None:
    name = posixpath.basename(target)
    has_ending = "." in name.lstrip(".") and not target.endswith(".d")
    looks_like_file = has_ending or "." in posixpath.basename(source).lstrip(".")
    if looks_like_file and not source.startswith("~"):
        node.needed(item, f"{source} is not among the files: import again with it, and it becomes file.{target}")
        return
    _as_volume(draft, node, item, source, target, "it is not among the files")


def _as_volume(draft: Draft, node: NodeDraft, item: Tree, source: str, target: str, why: str) -> None:
    """Give the node a volume in place of a folder beside the file, whose content somebody has to bring."""
    if node.name in draft.stores and _is_data(draft, node, item, target, ""):
        node.needed(item, f"what {source} holds is copied into that volume by hand, before the first deployment")
        return
    key = f"volume.{volume_key(posixpath.basename(source.rstrip('/')) or target)}"
    if node.config.get(key, target) != target:
        key = f"volume.{volume_key(target)}"
    if node.set(key, target, item, f"{key} = {target}, a volume in place of the folder {source}"):
        node.needed(item, f"{why}: what {source} holds is copied into that volume by hand")
