"""A project from a directory: project.json names the graph file and the code folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from agents.wording.sentences import sentence
from deployments import json_input
from deployments.errors import Invalid
from deployments.repositories import projects
from deployments.services.projects import sources
from deployments.types import Caller, GraphRecord, ProjectRecord
from stackgen.code.bundle import bundle_tar
from stackgen.errors import BundleInvalid
from stackgen.graph.secrets import join_secrets

PROJECT_FILE = "project.json"
MAX_JSON_BYTES = 16 * 1024 * 1024
# A program may import several projects of one user at once: each waits for its turn.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import stored."""

    project: ProjectRecord
    graph: GraphRecord
    code: dict[str, str]


def import_directory(*, caller: Caller, directory: Path, new_project_id: UUID, name: str = "") -> Imported:
    """Create the caller's project of this name, or bring the present one up to date. Raises Invalid naming the file.

    Without a `name` it is the one that the directory gives.
    """
    described = _read_json(directory / PROJECT_FILE)
    name = name or str(described.get("name", directory.name))
    graph = _with_values(
        _read_json(path_inside(directory, str(described.get("graph", "graph.json")))), described, directory
    )
    folders = described.get("code", {})
    if not isinstance(folders, dict):
        raise Invalid(
            sentence("project.json: code must map service names to folders."),
            details={"code": sentence("not an object")},
        )
    tars = {str(service): _tar_of(path_inside(directory, str(folder))) for service, folder in folders.items()}
    node_ids = _node_ids_by_service(graph)
    if missing := sorted(set(tars) - set(node_ids)):
        raise Invalid(
            sentence("Code for a service that is not in the graph."), details=dict.fromkeys(missing, "not in graph")
        )
    project = projects.by_name(owner_id=caller.user_id, name=name) or sources.create_project(
        caller=caller, project_id=new_project_id, name=name, settings=described.get("settings")
    )
    stored = sources.store_graph(caller=caller, project_id=project.id, graph=graph, patience=PATIENCE_SECONDS)
    code = {
        service: sources.store_code(
            caller=caller,
            project_id=project.id,
            node_id=node_ids[service],
            content=content,
            patience=PATIENCE_SECONDS,
        )
        for service, content in tars.items()
    }
    return Imported(project=project, graph=stored, code=code)


def _with_values(graph: dict[str, Any], described: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Return the graph with the secret values of the file that project.json names under `values`."""
    if "values" not in described:
        return graph
    values = _read_json(path_inside(directory, str(described["values"])))
    if wrong := [key for key, value in values.items() if not isinstance(value, str)]:
        raise Invalid(sentence("Values must be text."), details=dict.fromkeys(wrong, "not a text"))
    joined, unknown = join_secrets(graph, values)
    if unknown:
        raise Invalid(
            sentence("A value for something that is not in the graph."), details=dict.fromkeys(unknown, "not in graph")
        )
    return joined


def path_inside(directory: Path, name: str) -> Path:
    """Return a path below the directory. Raises Invalid for one that leads out of it."""
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise Invalid(sentence("{name} leads out of the project's directory.", name=name), details={"path": name})
    return path


def _tar_of(folder: Path) -> bytes:
    if not folder.is_dir():
        raise Invalid(sentence("{folder} is not a folder.", folder=folder.name), details={"code": folder.name})
    try:
        _, content = bundle_tar(folder)
    except BundleInvalid as error:
        raise Invalid(f"{folder.name}: {error}", details={"code": folder.name}) from error
    return content


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise Invalid(sentence("{path} is larger than 16 MiB.", path=path.name), details={"path": path.name})
        content = path.read_bytes()
    except OSError as error:
        raise Invalid(
            sentence("{path} cannot be read: {strerror}.", path=path.name, strerror=error.strerror),
            details={"path": path.name},
        ) from error
    try:
        return json_input.read_object(content)
    except Invalid as error:
        raise Invalid(f"{path.name}: {error.message}", details={"path": path.name, **error.details}) from None


def _node_ids_by_service(graph: dict[str, Any]) -> dict[str, str]:
    nodes = graph.get("nodes")
    if not isinstance(nodes, list):
        return {}
    return {
        str(node["data"].get("serviceName")): str(node.get("id"))
        for node in nodes
        if isinstance(node, dict) and isinstance(node.get("data"), dict)
    }
