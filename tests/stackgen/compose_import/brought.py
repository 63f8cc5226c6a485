"""Compose files as texts, imported in one line."""

from __future__ import annotations

from collections.abc import Mapping

from stackgen.compose_import.importer import Imported, import_compose
from stackgen.compose_import.notation.opened import UploadedFiles


def brought(
    text: str, *others: str, files: Mapping[str, str | bytes] | None = None, profiles: tuple[str, ...] = ()
) -> Imported:
    """Import `compose.yml` of this text, with others over it and files beside it."""
    named = {"compose.yml": text, **{f"over-{index}.yml": other for index, other in enumerate(others)}}
    contents = {
        name: value.encode() if isinstance(value, str) else value for name, value in {**named, **(files or {})}.items()
    }
    return import_compose(files=UploadedFiles(contents), paths=list(named), profiles=profiles)


def node(imported: Imported, name: str) -> dict[str, str]:
    """Return the config of a node."""
    nodes = imported.graph["nodes"]
    assert isinstance(nodes, list)
    config: dict[str, str] = next(each for each in nodes if each["id"] == name)["data"]["config"]
    return config


def type_of(imported: Imported, name: str) -> str:
    nodes = imported.graph["nodes"]
    assert isinstance(nodes, list)
    return str(next(each for each in nodes if each["id"] == name)["type"])


def edges(imported: Imported) -> set[tuple[str, str]]:
    found = imported.graph["edges"]
    assert isinstance(found, list)
    return {(edge["source"], edge["target"]) for edge in found}


def said(imported: Imported, path: str) -> str:
    """Return every line about a path, as text."""
    return "\n".join(f"{line.outcome.value}: {line.text}" for line in imported.lines if line.place.path == path)
