"""What a node's variables, commands and files say of other nodes, put into them so that it stays a text.

An address may stand anywhere. What is sealed, and any text with signs of its own, goes where no shell reads it and
never into an image: into variables, into files, and into the words of a command that its program gets as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from stackgen.nodes import Node, Settings
from stackgen.parts.environment import plain
from stackgen.parts.node_references import REFERENCE, References, UnknownReference
from stackgen.runtimes.command_words import image_words, split_words

# What no shell, no Dockerfile and no quotes around it take for anything but itself.
HARMLESS = re.compile(r"[A-Za-z0-9._:/@-]+")
SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh", "busybox"})
SCRIPT_FOLLOWS = re.compile(r"-[a-z]*c")
# How variables are written elsewhere. Here it is text, which some programs read themselves.
VARIABLE = re.compile(r"\$\{\{?\s*[A-Za-z_][A-Za-z0-9_. -]{0,99}\}\}?")
Splitter = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, eq=False)
class NodeTexts:
    """For one graph. `note` takes a node's problem by its field, `warn` a sentence; `joined`: whom it reaches."""

    references: References
    note: Callable[[Node, str, str], None]
    warn: Callable[[str], object]
    joined: Callable[[Node], Collection[str]]

    def variables(self, node: Node) -> dict[str, str]:
        """Return `env.NAME` of a node, ready for Compose; one that cannot be resolved is missing and noted."""
        values = {}
        for name, text in node.settings.env.items():
            try:
                values[name], led = self.references.resolve(text)
            except UnknownReference as error:
                self.note(node, f"config.env.{name}", str(error))
                continue
            self._warn_of_lonely(node, name, led)
            if found := VARIABLE.search(REFERENCE.sub("", text)):
                self.warn(
                    f"{node.label!r}: env.{name} holds {found[0]} as text; a value of another node is "
                    "${node.NAME.password}, one of the project's variables ${var.NAME}"
                )
        return values

    def file(self, node: Node, path: str, text: str) -> str:
        """Return the text of a file, ready for Compose. What names no node of the graph stays as it is."""
        unknown: list[str] = []
        try:
            content, led = self.references.resolve(text, unknown=unknown)
        except UnknownReference as error:
            self.note(node, f"config.file.{path}", str(error))
            return plain(text)
        for why in dict.fromkeys(unknown):
            self.warn(f"{node.label!r}: config.file.{path} {why}: it stays as it is")
        self._warn_of_lonely(node, path, led)
        return content

    def words(self, node: Node, field: str, command: str, split: Splitter = image_words) -> tuple[str, ...]:
        """Return the words of a command, ready for Compose."""
        if not REFERENCE.search(command):
            return tuple(plain(word) for word in split(command))
        marked, values = self._marked(node, field, command)
        words = split(marked)
        if _is_script(words) or _is_script(split_words(node.settings.entrypoint)):
            self._refuse_all_but_harmless(node, field, values)
        return tuple(_filled(plain(word), values) for word in words)

    def in_image(self, node: Node) -> Settings:
        """Return the settings of a node whose command is written into its image, where nothing sealed may be."""
        command = node.settings.command
        if not REFERENCE.search(command):
            return node.settings
        marked, values = self._marked(node, "config.command", command)
        self._refuse_all_but_harmless(node, "config.command", values)
        return replace(node.settings, command=_filled(marked, values))

    def _marked(self, node: Node, field: str, command: str) -> tuple[str, dict[str, str]]:
        """Return the command with a word for each reference that changes nothing about how it is split, and what
        each stands for."""
        mark = "axionref"
        while mark in command:
            mark += "x"
        values: dict[str, str] = {}

        def marked(match: re.Match[str]) -> str:
            try:
                value, led = self.references.resolve(match[0])
            except UnknownReference as error:
                self.note(node, field, str(error))
                return match[0]
            self._warn_of_lonely(node, field.removeprefix("config."), led)
            name = f"{mark}{len(values):04d}"
            values[name] = value
            return name

        return REFERENCE.sub(marked, command), values

    def _refuse_all_but_harmless(self, node: Node, field: str, values: dict[str, str]) -> None:
        if any(not HARMLESS.fullmatch(value) for value in values.values()):
            message = "puts a value into a script that could be read as part of it: give it as env.NAME and write $NAME"
            self.note(node, field, message)

    def _warn_of_lonely(self, node: Node, name: str, led: frozenset[str]) -> None:
        """Warn of nodes that a text leads to and that no edge lets it reach."""
        for target in sorted(led - {node.id, *self.joined(node)} if led else ()):
            label = self.references.nodes[target][0].label
            self.warn(f"{node.label!r}: {name} leads to {label!r}, but no edge joins the two")


def _is_script(words: tuple[str, ...]) -> bool:
    """Return whether a shell reads one of the words as a script."""
    return bool(words) and words[0].rpartition("/")[2] in SHELLS and any(map(SCRIPT_FOLLOWS.fullmatch, words[1:]))


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text
