"""What a runtime decides: the template of its Dockerfile, the values in it, and how to ask for a container's health."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from stackgen.errors import StackgenError

# With one of these a command needs a shell, and the shell must stay to run what follows.
JOINS_COMMANDS = re.compile(r"[;&|<>()`\n]")
NEEDS_SHELL = re.compile(r"[$*?~{}\[\]#!]|\w+=")


class CannotBuild(StackgenError):
    """This code gives no image; `field` and `message` are for the node's problem."""

    def __init__(self, *, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`template` is empty for the code's own Dockerfile. `probe` names the tool that health checks may use."""

    template: str
    values: Mapping[str, object]
    probe: str


def exec_form(command: str) -> tuple[str, ...]:
    """Return a command line as a list, without a shell where it needs none: signals reach the program itself.

    A text that is a list in JSON holds the words themselves.
    """
    if words := listed_words(command):
        return words
    if JOINS_COMMANDS.search(command):
        return ("sh", "-c", command)
    if NEEDS_SHELL.search(command):
        return ("sh", "-c", f"exec {command}")
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ("sh", "-c", command)


def listed_words(command: str) -> tuple[str, ...]:
    """Return the words of a command that is written as a list in JSON; none for any other text."""
    if not command.startswith("["):
        return ()
    try:
        words = json.loads(command)
    except (ValueError, RecursionError):
        return ()
    return tuple(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else ()


def split_words(command: str) -> tuple[str, ...]:
    """Return the words of a command that no shell reads: a list in JSON, or a line split as a shell splits it."""
    if words := listed_words(command):
        return words
    if "\n" in command.strip():
        return ("sh", "-c", command)
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ("sh", "-c", command)


def from_procfile(text: str) -> str:
    """Return the command of `web`, else of `worker`, else of the only process; empty when none is found."""
    processes = dict(re.findall(r"^([A-Za-z0-9_-]+):[ \t]*(\S.*?)[ \t]*$", text, re.MULTILINE))
    return (
        processes.get("web")
        or processes.get("worker")
        or (next(iter(processes.values())) if len(processes) == 1 else "")
    )
