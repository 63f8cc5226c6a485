"""The variables of one service: from its files of variables and its own list, with what they hold."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stackgen.compose_import.notation.dotenv import read_dotenv
from stackgen.compose_import.notation.opened import Files
from stackgen.compose_import.tree import Tree

SECRET_FOLDER = "/run/secrets/"  # noqa: S105 - where engines mount them


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """`entries` is name to where it is said, a mapping's member or the entry of a file; later ones won.

    `secrets` is what the project's secrets hold, by name; None where the files do not tell.
    """

    entries: Mapping[str, Tree]
    secrets: Mapping[str, str | None]

    def given(self, name: str) -> bool:
        """Return whether the variable, or the file that it is read from, is named."""
        return name in self.entries or f"{name}_FILE" in self.entries

    def of(self, name: str) -> str | None:
        """Return the value; empty where it is named and nobody tells it, None where it is not named.

        Images read `NAME_FILE` as the name of a file with the value.
        """
        tree = self.entries.get(name)
        if tree is not None:
            return tree.text
        file = self.entries.get(f"{name}_FILE")
        if file is None:
            return None
        content = self.secrets.get(posixpath.basename(file.text)) if file.text.startswith(SECRET_FOLDER) else None
        return (content or "").rstrip("\r\n")

    def files_of(self, prefix: str) -> Iterator[str]:
        return (name for name in self.entries if name.startswith(prefix) and name.endswith("_FILE"))


def values_of(
    service: Tree, *, files: Files, variables: Mapping[str, str], secrets: Mapping[str, str | None]
) -> tuple[Values, list[tuple[Tree, str]]]:
    """Return the variables, and the files of variables with a sentence about each."""
    entries: dict[str, Tree] = {}
    said: list[tuple[Tree, str]] = []
    env_file = service.get("env_file")
    for item in env_file.items if env_file is not None else []:
        path = item.at("path")
        content = files.read(path)
        if content is None:
            said.append((item, "" if item.at("required") == "false" else path))
            continue
        text = content.decode("utf-8", errors="replace")
        found = read_dotenv(file=path, text=text, values=variables, raw=item.at("format") == "raw")
        entries.update({name: Tree(value, item.place) for name, value in found.items()})
        said.append((item, f"{len(found)} variables of {path}"))
    environment = service.get("environment")
    for name, tree in environment.mapping.items() if environment is not None else ():
        if tree.value is not None:
            entries[name] = tree
        elif name in variables:
            entries[name] = tree.made(variables[name])
        else:
            entries[name] = tree
    return Values(entries=entries, secrets=secrets), said
