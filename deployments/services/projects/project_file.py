"""`project.yaml`: everything that makes a project but the values of its secrets and its code, in a stable order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments import json_input
from deployments.data.variable_types import StoredVariable
from deployments.errors import Invalid
from deployments.repositories import bundles, projects, variables
from deployments.services.permissions import access, quotas
from deployments.services.projects import sources
from deployments.types import Caller, GraphRecord, Right
from stackgen.compose_import.complaints import ComposeInvalid
from stackgen.compose_import.notation.documents import MAX_FILE_BYTES, read_documents
from stackgen.compose_import.tree import Tree
from stackgen.yaml import Comment, document

__all__ = ["MAX_FILE_BYTES", "StoredFile", "export_project", "import_file", "read_file"]

FILE_NAME = "project.yaml"
FORMAT = 1
MEMBERS = frozenset({"format", "name", "settings", "graph", "code", "variables"})
MAX_SECONDS = 3600
HEAD = "A project of Axion Deploy. No value of a secret is here: an empty text stands for each of them."


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """`missing_code` is node id to the digest of code that the file names and the project does not have; likewise
    `missing_variables`, by their labels."""

    graph: GraphRecord
    missing_code: dict[str, str]
    missing_variables: tuple[str, ...]


def export_project(*, caller: Caller, project_id: UUID) -> str:
    """Return name, settings, newest graph and digests of code as YAML, the same text each time. Raises NotFound."""
    project = access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    newest = projects.latest_graph(project_id=project_id)
    described: dict[str | Comment, Any] = {
        Comment(HEAD): None,
        "format": FORMAT,
        "name": project.name,
        "settings": {name: getattr(project, name) for name in sorted(sources.SETTINGS)},
        "graph": _sorted(newest.graph if newest else {"nodes": [], "edges": []}),
        "code": dict(sorted(bundles.assigned(project_id=project_id).items())),
        "variables": sorted(variable_label(each) for each in variables.listed(project_id=project_id)),
    }
    return document(described)


def import_file(*, caller: Caller, project_id: UUID, text: str, patience: float = 0.0) -> StoredFile:
    """Store the settings and the graph of an exported file in a project, which keeps its name and its code.

    Raises NotFound, Forbidden, TooMuch, or Invalid naming line and field; nothing is stored then.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    with quotas.heavy_turn(caller, patience=patience):
        described = read_file(text)
        settings = _checked_settings(described.get("settings", {}))
        quotas.check_graph_quota(owner_id=project.owner_id)
        with transaction.atomic():
            projects.change(project_id=project_id, changes=settings)
            graph = sources.store_checked_graph(project_id=project_id, graph=described["graph"])
    present = bundles.assigned(project_id=project_id)
    named = {variable_label(each) for each in variables.listed(project_id=project_id)}
    return StoredFile(
        graph=graph,
        missing_code={
            node: str(digest) for node, digest in described.get("code", {}).items() if present.get(node) != digest
        },
        missing_variables=tuple(str(label) for label in described.get("variables", ()) if label not in named),
    )


def variable_label(variable: StoredVariable) -> str:
    """Return a variable's name with what it belongs to."""
    place = variable.place
    return f"{variable.name} ({' '.join(part for part in (place.scope.value, place.key) if part)})"


def _checked_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings. Raises Invalid for one that is none, or has a value that it cannot have."""
    settings = sources.checked_settings(given)
    wrong = {name: wanted for name, (fits, wanted) in _FITTING.items() if name in settings and not fits(settings[name])}
    if wrong:
        raise Invalid(sentence("A setting has an invalid value."), details=wrong)
    return settings


def _whole(lowest: int, highest: int) -> tuple[Callable[[Any], bool], str]:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest

    return fits, f"a whole number from {lowest} to {highest}"


_FITTING: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "concurrency": (lambda value: value in {"queue", "supersede"}, "queue or supersede"),
    "restore_on_failure": (lambda value: isinstance(value, bool), "true or false"),
    "health_deadline": _whole(1, MAX_SECONDS),
    "health_window": _whole(0, MAX_SECONDS),
    "retention": _whole(1, 1000),
}


def read_file(text: str) -> dict[str, Any]:
    """Return what an exported file says. Raises Invalid naming the line for what is no such file."""
    try:
        documents = read_documents(file=FILE_NAME, content=text)
    except ComposeInvalid as error:
        raise Invalid(
            sentence("The file cannot be read. {error}", error=error), details={FILE_NAME: str(error)}
        ) from error
    if len(documents) != 1:
        raise Invalid(
            sentence("The file must hold one project."),
            details={FILE_NAME: sentence("{documents} documents", documents=len(documents))},
        )
    described: dict[str, Any] = _plain(documents[0])
    if unknown := sorted(described.keys() - MEMBERS):
        raise Invalid(
            sentence("The file has keys that are not part of a project."), details=dict.fromkeys(unknown, "not known")
        )
    if described.get("format") != FORMAT:
        raise Invalid(
            sentence("The file must say format: {format}.", format=FORMAT),
            details={"format": sentence("another one, or none")},
        )
    wrong = [name for name in ("settings", "graph", "code") if not isinstance(described.get(name, {}), dict)]
    wrong += [] if isinstance(described.get("variables", []), list) else ["variables"]
    if wrong or "graph" not in described:
        raise Invalid(
            sentence("The file is not a project."), details=dict.fromkeys(wrong or ["graph"], "missing or misshapen")
        )
    json_input.refuse_what_cannot_be_kept(described)
    return described


def _plain(tree: Tree) -> Any:
    if isinstance(tree.value, dict):
        return {key: _plain(member) for key, member in tree.value.items()}
    return [_plain(item) for item in tree.value] if isinstance(tree.value, list) else tree.value


def _sorted(value: Any) -> Any:
    """Return the value with the members of every object in order; lists stay, as their order means something."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
