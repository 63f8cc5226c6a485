"""A project that can be deployed at once: from an image, from a graph, or from one of the examples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents.wording.sentences import sentence
from deployments.errors import Invalid, NotFound
from deployments.repositories import projects
from deployments.services.permissions import quotas
from deployments.services.projects import import_directory, sources
from deployments.types import Caller, ProjectRecord

# Kinds of databases that the form for an image offers, by how graphs name them.
DATABASES = ("postgresql", "mysql", "redis")
MAX_SAME_NAMES = 100
MAX_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Example:
    """A project that comes with the product; `key` names its folder."""

    key: str
    name: str
    about: str


def examples() -> tuple[Example, ...]:
    """Return the projects that come with the product, the simplest first."""
    found = []
    for file in sorted(_folder().glob(f"*/{import_directory.PROJECT_FILE}")):
        described = json.loads(file.read_text())
        if "about" in described:
            found.append((described.get("order", 0), file.parent.name, described["name"], described["about"]))
    return tuple(Example(key=key, name=name, about=about) for _, key, name, about in sorted(found))


def create_from_example(*, caller: Caller, key: str, project_id: UUID) -> ProjectRecord:
    """Create a project of the caller from an example, under a name that is free. Raises NotFound, Invalid, TooMuch."""
    example = next((each for each in examples() if each.key == key), None)
    if example is None:
        raise NotFound(sentence("No such example."))
    name = _free_name(owner_id=caller.user_id, name=example.name)
    imported = import_directory.import_directory(
        caller=caller, directory=_folder() / example.key, new_project_id=project_id, name=name
    )
    return imported.project


def create_with_graph(*, caller: Caller, project_id: UUID, name: str, graph: Mapping[str, Any]) -> ProjectRecord:
    """Create a project of the caller with its first graph. Opens its own transaction: both are stored, or nothing.

    Raises Invalid with every problem by node and field, Conflict for a name that is taken, or TooMuch.
    """
    with quotas.heavy_turn(caller), transaction.atomic():
        project = sources.create_project(caller=caller, project_id=project_id, name=name)
        sources.store_checked_graph(project_id=project.id, graph=graph)
    return project


def graph_of_image(*, image: str, port: str, host_port: str, database: str) -> dict[str, Any]:
    """Return a graph of one image, reached at a port of the host, with a database beside it when one is named.

    Raises Invalid naming the field.
    """
    _check_port("port", port)
    _check_port("hostPort", host_port)
    if not image.strip():
        raise Invalid(sentence("Name an image, such as nginx:1.29."), details={"image": sentence("required")})
    web: dict[str, Any] = {"image": image.strip(), "port": port, "hostPort": host_port}
    nodes: list[dict[str, Any]] = [{"id": "web", "type": 1, "data": {"serviceName": "web", "config": web}}]
    if not database:
        return {"nodes": nodes, "edges": []}
    if database not in DATABASES:
        raise Invalid(sentence("Choose a database of the list."), details={"database": sentence("unknown")})
    stored = {"serviceName": "db", "config": {"databaseType": database}}
    nodes.append({"id": "db", "type": 2, "data": stored})
    return {"nodes": nodes, "edges": [{"id": "web-db", "source": "web", "target": "db"}]}


def _check_port(field: str, text: str) -> None:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PORT:
        raise Invalid(sentence("A port is a number from 1 to 65535."), details={field: sentence("1 to 65535")})


def _folder() -> Path:
    return Path(settings.BASE_DIR) / "templates" / "projects"


def _free_name(*, owner_id: UUID, name: str) -> str:
    """Return the name, or with a number behind it: an example never changes a project that is there."""
    candidates = [name, *(f"{name} {number}" for number in range(2, MAX_SAME_NAMES))]
    for candidate in candidates:
        if projects.by_name(owner_id=owner_id, name=candidate) is None:
            return candidate
    raise Invalid(sentence("There are too many projects of this example."), details={"name": sentence("taken")})
