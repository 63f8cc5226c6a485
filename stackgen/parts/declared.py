"""What the graph adds to a part, of whatever kind it is: volumes, files, an entrypoint, a health check of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from stackgen.databases.kind import Volume
from stackgen.nodes import Node
from stackgen.parts.environment import plain
from stackgen.parts.names import short_hash
from stackgen.parts.node_texts import NodeTexts
from stackgen.parts.types import MountedFile, Part, SecretFile
from stackgen.runtimes.command_words import exec_form, listed_words, split_words

NO_CHECK = "none"
# How Docker begins a health check's list; a list without one is a command's words.
CHECK_WORDS = frozenset({"CMD", "CMD-SHELL", "NONE"})
VariableNamed = Callable[[Node, str, str], str]


def with_declared(part: Part, texts: NodeTexts, *, variable_of: VariableNamed) -> Part:
    """Return the part with what its node's config adds. `variable_of` leads to the stack's variable of a given name."""
    settings = part.node.settings
    changed = replace(
        part,
        volumes=(*part.volumes, *declared_volumes(part.node)),
        files=(*part.files, *declared_files(part.node, texts, name=part.name)),
        secret_files=tuple(declared_secrets(part.node, variable_of, name=part.name)),
    )
    if settings.entrypoint:
        words = texts.words(part.node, "config.entrypoint", settings.entrypoint, split_words)
        # The image's own command goes with its entrypoint, also where it is one of ours.
        command = part.command or texts.words(part.node, "config.command", settings.command, exec_form)
        changed = replace(changed, entrypoint=words, command=command)
    if settings.health_command:
        test = health_test(settings.health_command)
        changed = replace(changed, health=test, health_off=not test)
    return changed


def declared_volumes(node: Node) -> Iterator[Volume]:
    """Yield the volumes that a node's config names."""
    for mounts, shared in ((node.settings.volumes, False), (node.settings.shared_volumes, True)):
        for name, mount in sorted(mounts.items()):
            yield Volume(name=name, path=mount.path, read_only=mount.read_only, is_declared=True, shared=shared)


def own_volumes(node: Node, volumes: Iterable[Volume]) -> tuple[Volume, ...]:
    """Return those that a database has by itself and that no path of the host takes the place of."""
    return tuple(volume for volume in volumes if volume.path not in node.settings.host_paths)


def written_paths(node: Node) -> tuple[str, ...]:
    """Return the folders of the host that hold data of a node; sockets and what it only reads are none."""
    written = (mount.path for _, mount in sorted(node.settings.host_paths.items()) if not mount.read_only)
    return tuple(path for path in written if not path.endswith(".sock"))


def declared_files(node: Node, texts: NodeTexts, *, name: str) -> Iterator[MountedFile]:
    """Yield the files that a node's config holds; `name` is the service's."""
    for path, text in sorted(node.settings.files.items()):
        mark = short_hash(path, 12)
        mode = node.settings.file_modes.get(path)
        content = texts.file(node, path, text)
        yield MountedFile(
            name=f"{name}-file-{mark}",
            file=f"file.{name}.{mark}",
            target=path,
            text=content.replace("$$", "$"),
            content=content,
            mode=mode,
        )


def declared_secrets(node: Node, variable_of: VariableNamed, *, name: str) -> Iterator[SecretFile]:
    """Yield the variables that a node finds as files; `name` is the service's."""
    for path, variable in sorted(node.settings.secret_files.items()):
        if carrier := variable_of(node, f"config.secretFile.{path}", variable):
            mode = node.settings.file_modes.get(path)
            yield SecretFile(name=f"{name}-secret-{short_hash(path, 12)}", target=path, variable=carrier, mode=mode)


def health_test(command: str) -> tuple[str, ...]:
    """Return a health check as Docker writes it; empty where it says that nothing is to be asked."""
    if command.strip().lower() == NO_CHECK:
        return ()
    words = listed_words(command)
    if not words:
        return ("CMD-SHELL", plain(command))
    if words[0] == "NONE":
        return ()
    words = words if words[0] in CHECK_WORDS else ("CMD", *words)
    return tuple(plain(word) for word in words)


def collisions(part: Part) -> Iterator[tuple[str, str]]:
    """Yield field and message for each place in the container, and each volume's name, that is used twice."""
    places = Counter(volume.path for volume in part.volumes)
    places.update(file.target for file in part.files)
    places.update(file.target for file in part.secret_files)
    places.update([*part.node.settings.tmpfs, *part.node.settings.host_paths])
    for path in (path for path, times in places.items() if times > 1):
        yield field_at(part, path), f"{path} is mounted twice"
    names = Counter(volume.name for volume in part.volumes if not volume.shared)
    for name in (name for name, times in names.items() if times > 1):
        yield f"config.volume.{name}", "is the name of a volume that the node has by itself; take another"
    for name in sorted(part.node.settings.volume_names.keys() - {volume.name for volume in part.volumes}):
        yield f"config.volumeName.{name}", f"the node has no volume {name}: {_own_volumes(part)}"


def _own_volumes(part: Part) -> str:
    return f"it has {', '.join(sorted(volume.name for volume in part.volumes))}" if part.volumes else "it has none"


def field_at(part: Part, path: str) -> str:
    """Return the key of the config that mounts something at this path of the container."""
    settings = part.node.settings
    keys = [f"config.file.{path}"] if path in settings.files else []
    keys += [f"config.secretFile.{path}"] if path in settings.secret_files else []
    keys += [f"config.tmpfs.{path}"] if path in settings.tmpfs else []
    keys += [f"config.hostPath.{path}"] if path in settings.host_paths else []
    for prefix, mounts in (("volume", settings.volumes), ("sharedVolume", settings.shared_volumes)):
        keys += [f"config.{prefix}.{name}" for name, mount in sorted(mounts.items()) if mount.path == path]
    return keys[0] if keys else "config"
